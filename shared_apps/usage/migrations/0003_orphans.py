from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0002_instants")]

    operations = [
        migrations.AddField("dailyusage", "orphans", models.PositiveBigIntegerField(blank=True, null=True)),
    ]
