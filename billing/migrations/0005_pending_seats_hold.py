"""Check the seats of subscriptions that were there, without keeping them from being used."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_subscriptions_in_force")]
    operations = [ValidateConstraint(model_name="subscription", name="seats_used_within_pending")]
