"""What is known of judges, kept so that pages need not compute it."""

from django.db import models

from arena.models import Benchmark
from judging.models import Judge


class JudgeReportQuerySet(models.QuerySet["JudgeReport"]):
    def of_benchmark(self, benchmark: Benchmark) -> "JudgeReportQuerySet":
        return (
            self.filter(benchmark=benchmark).select_related("judge").order_by("judge__name", "judge__version")
        )

    def of_judge(self, judge: Judge) -> "JudgeReportQuerySet":
        rows = self.filter(judge=judge).select_related("benchmark")
        return rows.order_by("-benchmark__is_open", "benchmark_id")


class JudgeReport(models.Model):
    """What is known of one judge on one benchmark, kept so that pages need not compute it."""

    judge = models.ForeignKey("judging.Judge", models.CASCADE, related_name="reports")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="judge_reports")
    figures = models.JSONField()
    signature = models.CharField(max_length=80)
    measured_at = models.DateTimeField()

    objects = JudgeReportQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["judge", "benchmark"], name="report_once")]

    def __str__(self) -> str:
        return f"{self.judge} on {self.benchmark}"
