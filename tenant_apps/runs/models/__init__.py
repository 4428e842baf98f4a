"""Dated deliveries of course versions, who takes part, and by what right."""

from tenant_apps.runs.models.enrollment import AccessGrant, Enrollment
from tenant_apps.runs.models.run import CourseRun, RunDate, RunRight, WaitingPlace

__all__ = ["AccessGrant", "CourseRun", "Enrollment", "RunDate", "RunRight", "WaitingPlace"]
