"""Dated deliveries of course versions, and who takes part."""

from tenant_apps.runs.models.enrollment import Enrollment
from tenant_apps.runs.models.run import CourseRun, RunRight

__all__ = ["CourseRun", "Enrollment", "RunRight"]
