"""Who holds a run of the migrator, where it goes and what it was told; how far a migration in steps is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_registry_for_thousands"),
    ]

    operations = [
        migrations.AddField(
            model_name="migrationrun",
            name="direction",
            field=models.CharField(
                choices=[("forward", "Forward"), ("back", "Back")], default="forward", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="migrationrun",
            name="holder",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="migrationrun",
            name="options",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="tenantschema",
            name="migration_step",
            field=models.CharField(blank=True, max_length=200),
        ),
    ]
