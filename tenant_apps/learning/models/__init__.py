"""What learners did, left for themselves, and what became of it when their run moved on."""

from tenant_apps.learning.models.marks import LessonMark
from tenant_apps.learning.models.moves import RunMove, RunMoveLearner
from tenant_apps.learning.models.progress import (
    CourseProgress,
    EnrollmentAttempt,
    LessonProgress,
    LessonRecord,
)

__all__ = [
    "CourseProgress",
    "EnrollmentAttempt",
    "LessonMark",
    "LessonProgress",
    "LessonRecord",
    "RunMove",
    "RunMoveLearner",
]
