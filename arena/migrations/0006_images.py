from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("arena", "0005_counted_votes")]

    operations = [
        migrations.CreateModel(
            name="Image",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("media_type", models.CharField(max_length=20)),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="image_named_by_hash"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="prompt",
            name="images",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="A list a turn of its images: sha256, width and height. Empty without any.",
            ),
        ),
    ]
