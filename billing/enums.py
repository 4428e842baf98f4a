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
