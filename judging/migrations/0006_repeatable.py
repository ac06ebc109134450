import zlib

import django.core.validators
from django.db import migrations, models

ROWS = 1000  # that are compressed at once


def compress(apps, schema_editor):
    """Move each prompt into its compressed column, without a change of the rulings to be counted."""
    judgments = apps.get_model("judging", "Judgment").objects
    schema_editor.execute("ALTER TABLE judging_judgment DISABLE TRIGGER judgment_changed")
    last = 0
    while rows := list(judgments.filter(pk__gt=last).only("prompt_text").order_by("pk")[:ROWS]):
        last = rows[-1].pk
        for row in rows:
            row.prompt_zlib = zlib.compress(row.prompt_text.encode()) if row.prompt_text else b""
        judgments.bulk_update([row for row in rows if row.prompt_text], ["prompt_zlib"])
    schema_editor.execute("ALTER TABLE judging_judgment ENABLE TRIGGER judgment_changed")


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0005_preference'),
    ]

    operations = [
        migrations.AddField(
            model_name='judge',
            name='context',
            field=models.PositiveIntegerField(blank=True, help_text='Longest prompt and ruling together, in tokens. Longer ones are refused. Empty: unknown.', null=True),
        ),
        migrations.AddField(
            model_name='judge',
            name='price_in',
            field=models.FloatField(blank=True, help_text='Of a million tokens read.', null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AddField(
            model_name='judge',
            name='price_out',
            field=models.FloatField(blank=True, help_text='Of a million tokens written.', null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AddField(
            model_name='judgment',
            name='cost',
            field=models.FloatField(blank=True, help_text="At the judge's prices when it ruled.", null=True),
        ),
        migrations.AddField(
            model_name='judgment',
            name='prompt_zlib',
            field=models.BinaryField(default=b'', help_text='The exact messages, as compressed JSON.'),
        ),
        migrations.RunPython(compress, elidable=True),
        migrations.RemoveField(
            model_name='judgment',
            name='prompt_text',
        ),
    ]
