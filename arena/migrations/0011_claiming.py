"""What ``arena.jobs.claim`` looks things up by: when waiting jobs may be claimed, when leases of an owner end; and ``Job.deaths``."""

from django.db import migrations, models
from django.db.models import DateTimeField, F, Q, Value
from django.db.models.functions import Cast, Coalesce


class Migration(migrations.Migration):
    dependencies = [("arena", "0010_queue")]

    operations = [
        migrations.AddField(
            "job",
            "deaths",
            models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="How often its worker or its model's server died while at it.",
            ),
        ),
        migrations.RemoveIndex("job", "job_leases"),
        migrations.AddIndex(
            "job",
            models.Index(
                F("kind"),
                F("owner"),
                Coalesce("next_attempt_at", Cast(Value("-infinity"), DateTimeField())),
                F("id"),
                name="job_pending",
                condition=Q(state="pending"),
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["kind", "owner", "lease_until"], name="job_leases", condition=Q(state="running")
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["kind", "owner", "deaths"],
                name="job_suspects",
                condition=Q(state="pending", deaths__gt=0),
            ),
        ),
    ]
