"""States of subscriptions and seats."""

from django.db import models


class SubscriptionStatus(models.TextChoices):
    """Status of a subscription, in Stripe's words but for the last."""

    INCOMPLETE = "incomplete", "Incomplete"
    # Stripe's `incomplete_expired`: the first payment never came.
    EXPIRED = "expired", "Expired"
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


class SeatEnding(models.TextChoices):
    """How a holding ended."""

    FREED = "freed", "Taken back by hand before it was used"
    MOVED = "moved", "Taken by hand from somebody who used it"
    LEFT = "left", "The member left"
    UNDONE = "undone", "Its giving was undone"


# Taken away by a person: nobody is given such a seat again but by a person.
BY_HAND = frozenset({SeatEnding.FREED, SeatEnding.MOVED})

# Statuses in which new seats may be assigned.
CLAIMABLE = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
# Statuses a subscription does not come back from.
OVER = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.EXPIRED})


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
    """What is asked of a subscription at the gateway."""

    NOW = "now", "Seats, plan or interval now, charged at once"
    PERIOD_END = "period_end", "Seats, plan or interval with the next period"
    CANCEL = "cancel", "End with the period"
    KEEP = "keep", "Go on after all"
    END = "end", "End now"
    PAUSE = "pause", "Pause"
    RESUME = "resume", "Resume"
    EXTEND_TRIAL = "extend_trial", "Longer trial"
    DISCOUNT = "discount", "Promotion code"


class ChangeState(models.TextChoices):
    """Life of a change of seats or plan."""

    REQUESTED = "requested", "On its way"
    CONFIRMED = "confirmed", "Confirmed"
    UNPAID = "unpaid", "Waits for its payment"
    SCHEDULED = "scheduled", "Scheduled"
    WITHDRAWN = "withdrawn", "Withdrawn"
    FAILED = "failed", "Failed"


class CancelReason(models.TextChoices):
    """Why somebody goes, in the gateway's own words."""

    TOO_EXPENSIVE = "too_expensive", "It costs too much"
    MISSING_FEATURES = "missing_features", "Something is missing"
    SWITCHED_SERVICE = "switched_service", "We go to somebody else"
    UNUSED = "unused", "We do not use it enough"
    CUSTOMER_SERVICE = "customer_service", "We were not served well"
    TOO_COMPLEX = "too_complex", "It is too hard to use"
    LOW_QUALITY = "low_quality", "It is not good enough"
    OTHER = "other", "Something else"


class Overuse(models.TextChoices):
    """What happens when more seats are wanted than were bought."""

    BLOCK = "block", "Refused"
    GROW = "grow", "Bought at the plan's price"


class Duration(models.TextChoices):
    """For how long a promotion lowers the price."""

    ONCE = "once", "First invoice"
    REPEATING = "repeating", "Some months"
    FOREVER = "forever", "Always"


class RefundState(models.TextChoices):
    """Life of money on its way back."""

    REQUESTED = "requested", "On its way to the gateway"
    PENDING = "pending", "On its way to the payer"
    SUCCEEDED = "succeeded", "Paid back"
    FAILED = "failed", "Failed"


class SeatActKind(models.TextChoices):
    """What was done to many seats at once."""

    ASSIGN = "assign", "Assigned"
    REVOKE = "revoke", "Revoked"
    UNDO = "undo", "Undone"


class EntryKind(models.TextChoices):
    """What an entry of the seat ledger posts."""

    BOUGHT = "bought", "Bought or given back"
    COMPED = "comped", "Given on top"
    ASSIGNED = "assigned", "Given to somebody who has not joined yet"
    ACTIVATED = "activated", "Its holder joined, or had joined when it was given"
    REVOKED = "revoked", "Taken back"


class AccessLevel(models.TextChoices):
    """What the people of an organization may do under its subscription, from all to nothing."""

    FULL = "full", "Everything"
    NO_NEW_SEATS = "no_new_seats", "Everything but new seats"
    READ_ONLY = "read_only", "Read only"
    CLOSED = "closed", "Closed"


class DunningStage(models.TextChoices):
    """What is told of a subscription, each once."""

    PAYMENT_FAILED = "payment_failed", "A payment failed"
    NO_NEW_SEATS = "no_new_seats", "No new seats"
    REMINDER = "reminder", "The grace ends soon"
    READ_ONLY = "read_only", "Read only"
    RECOVERED = "recovered", "Paid"
    TRIAL_ENDING = "trial_ending", "The trial ends soon"
    ENDING = "ending", "The subscription ends soon"
    CANCELED = "canceled", "The subscription is over"
