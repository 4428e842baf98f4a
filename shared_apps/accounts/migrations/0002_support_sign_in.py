"""Operators' entries are sign-ins of a kind of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="signin",
            name="kind",
            field=models.CharField(
                choices=[
                    ("browser", "Browser session"),
                    ("api", "Access and refresh token"),
                    ("support", "Operator's entry, reading only"),
                ],
                default="api",
                max_length=10,
            ),
        ),
    ]
