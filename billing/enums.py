"""States of subscriptions and seats."""

from django.db import models


class SubscriptionStatus(models.TextChoices):
    """Status of a subscription, named as Stripe names them."""

    TRIALING = "trialing", "Trialing"
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Past due"
    CANCELED = "canceled", "Canceled"


class SeatState(models.TextChoices):
    """Life of one seat assignment; revoked is final, a new assignment is a new row."""

    INVITED = "invited", "Invited"
    ACTIVE = "active", "Active"
    REVOKED = "revoked", "Revoked"


# Statuses in which new seats may be assigned.
CLAIMABLE = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
