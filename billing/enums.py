"""States of subscriptions and seats."""

from django.db import models


class SubscriptionStatus(models.TextChoices):
    """Status of a subscription, named as Stripe names them."""

    INCOMPLETE = "incomplete", "Incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired", "Incomplete, expired"
    TRIALING = "trialing", "Trialing"
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Past due"
    UNPAID = "unpaid", "Unpaid"
    PAUSED = "paused", "Paused"
    CANCELED = "canceled", "Canceled"


class SeatState(models.TextChoices):
    """Life of one seat assignment; revoked is final, a new assignment is a new row."""

    INVITED = "invited", "Invited"
    ACTIVE = "active", "Active"
    REVOKED = "revoked", "Revoked"


# Statuses in which new seats may be assigned.
CLAIMABLE = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
# Statuses a subscription does not come back from.
OVER = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


class Interval(models.TextChoices):
    """How long one period of a price is."""

    MONTH = "month", "Month"
    QUARTER = "quarter", "Quarter"
    YEAR = "year", "Year"


class TaxBehavior(models.TextChoices):
    """Whether a price already holds the tax."""

    EXCLUSIVE = "exclusive", "Tax comes on top"
    INCLUSIVE = "inclusive", "Tax is included"


class EventState(models.TextChoices):
    """What became of a gateway's message."""

    RECEIVED = "received", "Received"
    PROCESSED = "processed", "Processed"
    IGNORED = "ignored", "Not for us"
    FAILED = "failed", "Failed, tried again"
    PARKED = "parked", "Parked"


class CheckoutState(models.TextChoices):
    """Life of a page on which somebody subscribes."""

    STARTING = "starting", "Starting"
    OPEN = "open", "Open"
    COMPLETE = "complete", "Complete"
    EXPIRED = "expired", "Expired"


class ChangeKind(models.TextChoices):
    """When a change of seats or plan takes effect."""

    NOW = "now", "Now, charged at once"
    PERIOD_END = "period_end", "With the next period"


class ChangeState(models.TextChoices):
    """Life of a change of seats or plan."""

    REQUESTED = "requested", "On its way"
    CONFIRMED = "confirmed", "Confirmed"
    UNPAID = "unpaid", "Waits for its payment"
    SCHEDULED = "scheduled", "Scheduled"
    WITHDRAWN = "withdrawn", "Withdrawn"
    FAILED = "failed", "Failed"
