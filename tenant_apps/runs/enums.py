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


class EnrollmentSource(models.TextChoices):
    """What an enrollment came from; set by the path taken."""

    ADMIN = "admin", "Admin"
    COHORT = "cohort", "Cohort"
    SELF = "self", "Self"


ENROLLMENT_MOVES: dict[EnrollmentState, frozenset[EnrollmentState]] = {
    EnrollmentState.PENDING: frozenset(
        {EnrollmentState.ACTIVE, EnrollmentState.SUSPENDED, EnrollmentState.WITHDRAWN}
    ),
    EnrollmentState.ACTIVE: frozenset(
        {EnrollmentState.COMPLETED, EnrollmentState.SUSPENDED, EnrollmentState.WITHDRAWN}
    ),
    EnrollmentState.COMPLETED: frozenset(),
    EnrollmentState.SUSPENDED: frozenset({EnrollmentState.ACTIVE, EnrollmentState.WITHDRAWN}),
    EnrollmentState.WITHDRAWN: frozenset({EnrollmentState.ACTIVE}),
}

# States that take one of a run's places.
OCCUPYING = frozenset(
    {EnrollmentState.PENDING, EnrollmentState.ACTIVE, EnrollmentState.COMPLETED, EnrollmentState.SUSPENDED}
)

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.OPEN: frozenset({RunState.CLOSED, RunState.CANCELLED}),
    RunState.CLOSED: frozenset({RunState.CANCELLED}),
    RunState.CANCELLED: frozenset(),
}
