"""One subscription in force for each organization, now that some never began; one row for each one there.

The indexes are made while the table goes on being used, and the old one is dropped when the new one stands.
"""

from django.db import migrations, models

_IN_FORCE = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_subscription_in_force
    ON billing_subscription (organization_id)
 WHERE NOT (status IN ('canceled', 'expired'))
"""
_AT_GATEWAY = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_row_a_gateway_subscription
    ON billing_subscription (gateway_ref)
 WHERE gateway_ref IS NOT NULL
"""
_LIVE = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_live_subscription
    ON billing_subscription (organization_id)
 WHERE NOT (status = 'canceled')
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0003_gateway")]
    operations = [
        migrations.RunSQL(
            _IN_FORCE,
            "DROP INDEX CONCURRENTLY IF EXISTS one_subscription_in_force",
            state_operations=[
                migrations.AddConstraint(
                    model_name="subscription",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("status__in", ["canceled", "expired"]), _negated=True),
                        fields=("organization",),
                        name="one_subscription_in_force",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            _AT_GATEWAY,
            "DROP INDEX CONCURRENTLY IF EXISTS one_row_a_gateway_subscription",
            state_operations=[
                migrations.AddConstraint(
                    model_name="subscription",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("gateway_ref__isnull", False)),
                        fields=("gateway_ref",),
                        name="one_row_a_gateway_subscription",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS one_live_subscription",
            _LIVE,
            state_operations=[
                migrations.RemoveConstraint(model_name="subscription", name="one_live_subscription")
            ],
        ),
    ]
