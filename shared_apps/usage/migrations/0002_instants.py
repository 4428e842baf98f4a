from django.db import migrations, models

import shared_apps.core.clock


def _instant() -> models.DateTimeField:
    return models.DateTimeField(default=shared_apps.core.clock.now, editable=False)


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.AddField("dailyusage", "created_at", _instant()),
        migrations.RenameField("flush", "written_at", "created_at"),
        migrations.AddField("flush", "updated_at", _instant()),
        migrations.AddField("timerstate", "created_at", _instant()),
        migrations.AddField("timerstate", "updated_at", _instant()),
    ]
