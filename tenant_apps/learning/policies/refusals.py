"""The refusal that each closed link stands for. A test holds every refusal learners can meet to stand here,
so that `why` can name it."""

from billing.errors import ClosedForNow, ReadOnlyForNow
from shared_apps.core.errors import DomainError, Forbidden
from tenant_apps.courses.errors import SwitchedOff
from tenant_apps.learning.errors import (
    AccessNotBegun,
    EnrollmentExpired,
    EnrollmentNotActive,
    LessonLocked,
    LessonNotReleased,
    MembershipNotActive,
    NotEnrolled,
    RunNotOpen,
    SeatNeeded,
    TokenReadsOnly,
)
from tenant_apps.runs.errors import CourseNotOffered, EnrollmentWindowClosed, NotOpenToMembers

REFUSALS: dict[str, type[DomainError]] = {
    error.code: error
    for error in (
        MembershipNotActive,
        Forbidden,
        TokenReadsOnly,
        ReadOnlyForNow,
        ClosedForNow,
        NotEnrolled,
        EnrollmentNotActive,
        EnrollmentExpired,
        AccessNotBegun,
        RunNotOpen,
        SeatNeeded,
        NotOpenToMembers,
        CourseNotOffered,
        EnrollmentWindowClosed,
        SwitchedOff,
        LessonNotReleased,
        LessonLocked,
    )
}
