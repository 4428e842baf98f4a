"""The hot paths read by index at size: no sequential scan over a table that grows with the customers."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Lesson
from tenant_apps.learning.models import CourseProgress, LessonRecord
from tenant_apps.people.models import Member
from tenant_apps.runs.models import Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_run
from tests.support.client import Caller, caller_as

PEOPLE = 3000
# Tables that grow with people and with what they do.
LARGE = {
    "accounts_user",
    "accounts_membership",
    "accounts_signin",
    "people_member",
    "runs_enrollment",
    "learning_lessonrecord",
    "learning_courseprogress",
    "courses_lesson",
}


def _grow(acme: Organization) -> tuple[Membership, list[Enrollment], list[Any]]:
    """Give Acme thousands of people in two runs, and statistics that know of them."""
    users = User.objects.bulk_create(User(email=f"p{number}@acme.example") for number in range(PEOPLE))
    memberships = Membership.objects.bulk_create(
        Membership(organization=acme, user=user, role=Role.LEARNER, status="active") for user in users
    )
    SignIn.objects.bulk_create(
        SignIn(user=user, organization=acme, membership=membership)
        for user, membership in zip(users, memberships, strict=True)
    )
    course = make_published_course(acme, modules=50, lessons=20)
    runs = [make_run(acme, course), make_run(acme, course)]
    with in_organization(acme):
        Member.objects.bulk_create(
            Member(membership=membership, user=user, email=user.email, last_name=f"N{user.email}")
            for user, membership in zip(users, memberships, strict=True)
        )
        enrollments = Enrollment.objects.bulk_create(
            Enrollment(run_id=run, member_id=membership.id) for run in runs for membership in memberships
        )
        CourseProgress.objects.bulk_create(
            CourseProgress(enrollment=enrollment) for enrollment in enrollments
        )
        lesson = Lesson.objects.get(pk=course.lesson_ids[0])
        LessonRecord.objects.bulk_create(
            LessonRecord(
                enrollment=enrollment, lesson=lesson, lineage=lesson.lineage, completed_at=clock.now()
            )
            for enrollment in enrollments
        )
    with connection.cursor() as cursor:
        for table in sorted(LARGE):
            schema = "public" if table.startswith("accounts") else f'"{acme.schema_name}"'
            cursor.execute(f"ANALYZE {schema}.{table}")
    return memberships[PEOPLE // 2], enrollments, course.lesson_ids


def _scans(plan: Any) -> list[str]:
    """Return the large tables that a plan reads from end to end."""
    found = []
    if plan.get("Node Type") == "Seq Scan" and plan.get("Relation Name") in LARGE:
        found.append(plan["Relation Name"])
    for inner in plan.get("Plans", []):
        found += _scans(inner)
    return found


@pytest.mark.feature("OPS-07")
def test_hot_paths_scan_no_large_table(shared: None, acme: Organization) -> None:
    learner, enrollments, lesson_ids = _grow(acme)
    own = next(each for each in enrollments if each.member_id == learner.id)
    client: Caller = caller_as(learner, acme)
    with CaptureQueriesContext(connection) as captured:
        answers = [
            client.get("/api/v1/my-courses"),
            client.get(f"/api/v1/my-courses/{own.id}"),
            client.get(f"/api/v1/my-courses/{own.id}/lessons/{lesson_ids[3]}"),
            client.post(f"/api/v1/my-courses/{own.id}/lessons/{lesson_ids[3]}/complete", {}, format="json"),
            client.get("/api/v1/profile"),
        ]
    assert [answer.status_code for answer in answers] == [200] * 5
    statements = {
        each["sql"]
        for each in captured.captured_queries
        if each["sql"] and each["sql"].lstrip().split()[0].upper() in {"SELECT", "WITH", "INSERT", "UPDATE"}
    }
    scanned = {}
    for statement in statements:
        # The look-up of the host reads the registry, before it is known which organization this is.
        place = in_public() if '"tenants_domain"' in statement else in_organization(acme)
        with place, connection.cursor() as cursor:
            # A prepared statement is captured with its placeholders, so its generic plan is asked for.
            generic = "GENERIC_PLAN, " if "$1" in statement else ""
            cursor.execute(f"EXPLAIN ({generic}FORMAT JSON) {statement}")
            (found,) = cursor.fetchone()
        plan = found if isinstance(found, list) else json.loads(found)
        tables = _scans(plan[0]["Plan"])
        if tables:
            scanned[statement[:200]] = tables
    assert len(statements) >= 6
    assert scanned == {}
