from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="outboxmessage",
            name="priority",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "Somebody waits for it"), (1, "Usual")], db_default=1, default=1
            ),
        ),
    ]
