"""How answers look, measured once."""

from django.db import models
from django.db.models import QuerySet

from arena.models import Answer, Benchmark


class AnswerStyle(models.Model):
    """What style control knows of an answer's text, all turns together."""

    answer = models.OneToOneField(Answer, models.CASCADE, primary_key=True, related_name="+")
    length = models.PositiveIntegerField(help_text="Characters.")
    headers = models.PositiveIntegerField()
    lists = models.PositiveIntegerField(help_text="List items.")
    bold = models.PositiveIntegerField(help_text="Bold spans.")
    code = models.PositiveIntegerField(help_text="Fenced blocks of code.")

    def __str__(self) -> str:
        return f"style of answer {self.answer_id}"


def unmeasured_answers(benchmark: Benchmark) -> QuerySet[Answer]:
    """Answers with a text of which no style is known."""
    answers = Answer.objects.filter(prompt__benchmark=benchmark, turns__isnull=False)
    measured = AnswerStyle.objects.filter(answer=models.OuterRef("pk"))
    return answers.filter(~models.Exists(measured)).order_by("pk")
