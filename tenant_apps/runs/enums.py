"""States of runs and enrollments, with the allowed moves."""

from django.db import models


class RunState(models.TextChoices):
    """Whether a run takes people; the window decides when they may learn."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


class EnrollmentState(models.TextChoices):
    """Life of an enrollment."""

    PENDING = "pending", "Pending"
    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"
    SUSPENDED = "suspended", "Suspended"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"
    REFUNDED = "refunded", "Refunded"


class EnrollmentSource(models.TextChoices):
    """What an enrollment came from; set by the path taken."""

    ADMIN = "admin", "Admin"
    COHORT = "cohort", "Cohort"
    SELF = "self", "Self"
    PATH = "path", "Learning path"
    PAID = "paid", "Paid"
    FREE = "free", "Free"
    GIFTED = "gifted", "Gifted"
    COUPON = "coupon", "Coupon"
    BUNDLE = "bundle", "Bundle"
    SUBSCRIPTION = "subscription", "Subscription"


class Pacing(models.TextChoices):
    """Who sets the pace: the dates of the run, or each learner from the day they begin."""

    SCHEDULED = "scheduled", "Scheduled"
    SELF_PACED = "self_paced", "Self-paced"


# Refunding and expiring close access and keep the records; a new grant, or more time, opens it again. A
# completed enrollment goes back to active only as a new attempt.
ENROLLMENT_MOVES: dict[EnrollmentState, frozenset[EnrollmentState]] = {
    EnrollmentState.PENDING: frozenset(
        {
            EnrollmentState.ACTIVE,
            EnrollmentState.SUSPENDED,
            EnrollmentState.WITHDRAWN,
            EnrollmentState.EXPIRED,
            EnrollmentState.REFUNDED,
        }
    ),
    EnrollmentState.ACTIVE: frozenset(
        {
            EnrollmentState.COMPLETED,
            EnrollmentState.SUSPENDED,
            EnrollmentState.WITHDRAWN,
            EnrollmentState.EXPIRED,
            EnrollmentState.REFUNDED,
        }
    ),
    EnrollmentState.COMPLETED: frozenset({EnrollmentState.REFUNDED}),
    EnrollmentState.SUSPENDED: frozenset(
        {
            EnrollmentState.ACTIVE,
            EnrollmentState.WITHDRAWN,
            EnrollmentState.EXPIRED,
            EnrollmentState.REFUNDED,
        }
    ),
    EnrollmentState.WITHDRAWN: frozenset({EnrollmentState.ACTIVE}),
    EnrollmentState.EXPIRED: frozenset({EnrollmentState.ACTIVE, EnrollmentState.WITHDRAWN}),
    EnrollmentState.REFUNDED: frozenset({EnrollmentState.ACTIVE}),
}

# States that take one of a run's places.
OCCUPYING = frozenset(
    {EnrollmentState.PENDING, EnrollmentState.ACTIVE, EnrollmentState.COMPLETED, EnrollmentState.SUSPENDED}
)

# States that somebody enrolled anew, or given a new grant, comes back from; their place was given away.
OVER = frozenset({EnrollmentState.WITHDRAWN, EnrollmentState.EXPIRED, EnrollmentState.REFUNDED})

# What an enrollment becomes when the last of its grants is taken away, by where that one came from: money
# goes back, a subscription runs out; from everything else one is taken out.
STATE_WITHOUT_GRANT: dict[EnrollmentSource, EnrollmentState] = {
    EnrollmentSource.PAID: EnrollmentState.REFUNDED,
    EnrollmentSource.COUPON: EnrollmentState.REFUNDED,
    EnrollmentSource.BUNDLE: EnrollmentState.REFUNDED,
    EnrollmentSource.GIFTED: EnrollmentState.REFUNDED,
    EnrollmentSource.SUBSCRIPTION: EnrollmentState.EXPIRED,
    EnrollmentSource.ADMIN: EnrollmentState.WITHDRAWN,
    EnrollmentSource.COHORT: EnrollmentState.WITHDRAWN,
    EnrollmentSource.SELF: EnrollmentState.WITHDRAWN,
    EnrollmentSource.PATH: EnrollmentState.WITHDRAWN,
    EnrollmentSource.FREE: EnrollmentState.WITHDRAWN,
}

# Ways in that the learner chose, and may undo.
CHOSEN_BY_LEARNER = frozenset({EnrollmentSource.SELF, EnrollmentSource.SUBSCRIPTION})

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.OPEN: frozenset({RunState.CLOSED, RunState.CANCELLED}),
    RunState.CLOSED: frozenset({RunState.OPEN, RunState.CANCELLED}),
    RunState.CANCELLED: frozenset(),
}
