from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_run_holder_and_steps")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="read_only_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="closed_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="entitlements",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
