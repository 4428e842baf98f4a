"""What a page was asked with, so that a call that is repeated says the same."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_open_seat_ledgers")]
    operations = [
        migrations.AddField(
            model_name="checkout",
            name="terms",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
