"""Runs and enrollments, written with the models."""

import uuid
from datetime import UTC, datetime
from typing import Any

from shared_apps.core import clock
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse


def make_run(organization: Organization, course: PublishedCourse, **facts: Any) -> uuid.UUID:
    """Make an open run of the course's version and return its id."""
    with in_organization(organization):
        facts.setdefault("title", "A run")
        return CourseRun.objects.create(course_id=course.course_id, version_id=course.version_id, **facts).id


def make_enrollment(
    organization: Organization, run_id: uuid.UUID, member_id: uuid.UUID, **facts: Any
) -> uuid.UUID:
    """Put a member into a run, with the grant that it came from, and return the enrollment's id."""
    facts.setdefault("state", EnrollmentState.ACTIVE)
    facts.setdefault("activated_at", clock.now())
    with in_organization(organization):
        made = Enrollment.objects.create(run_id=run_id, member_id=member_id, **facts)
        # Long begun, so that tests may look from an earlier instant than now.
        AccessGrant.objects.create(
            enrollment=made,
            source=made.source,
            starts_at=datetime(2020, 1, 1, tzinfo=UTC),
            ends_at=made.expires_at,
        )
        return made.id
