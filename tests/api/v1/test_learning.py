"""Another organization's runs, enrollments, courses and cohorts do not exist, whoever asks."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.cohorts.models import Cohort
from tenant_apps.learning.models import LessonRecord
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.client import Caller, access_token

CALLS = [
    ("get", "runs/{run}", None),
    ("patch", "runs/{run}", {"title": "Taken over"}),
    ("post", "runs/{run}/close", None),
    ("post", "runs/{run}/cancel", None),
    ("get", "runs/{run}/staff", None),
    ("put", "runs/{run}/staff", {"member_id": "{own_member}", "rights": ["teach_run"]}),
    ("get", "runs/{run}/enrollments", None),
    ("post", "runs/{run}/enrollments", {"member_id": "{own_member}"}),
    ("post", "runs/{run}/enrollments/bulk", {"member_ids": ["{own_member}"]}),
    ("get", "runs/{run}/progress", None),
    ("get", "enrollments/{enrollment}", None),
    ("patch", "enrollments/{enrollment}", {"expires_at": None}),
    ("post", "enrollments/{enrollment}/withdraw", None),
    ("post", "enrollments/{enrollment}/suspend", None),
    ("post", "enrollments/{enrollment}/reactivate", None),
    ("get", "my-courses/{enrollment}", None),
    ("get", "my-courses/{enrollment}/lessons/{lesson}", None),
    ("post", "my-courses/{enrollment}/lessons/{lesson}/complete", None),
    ("get", "cohorts/{cohort}", None),
    ("patch", "cohorts/{cohort}", {"name": "Taken over"}),
    ("delete", "cohorts/{cohort}", None),
    ("get", "cohorts/{cohort}/members", None),
    ("post", "cohorts/{cohort}/members", {"member_ids": ["{own_member}"]}),
    ("post", "cohorts/{cohort}/members/leave", {"member_ids": ["{own_member}"]}),
    ("get", "cohorts/{cohort}/managers", None),
    ("put", "cohorts/{cohort}/managers", {"member_id": "{own_member}", "manages": True}),
]


def _filled(body: Any, ids: dict[str, uuid.UUID]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, ids) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, ids) for value in body]
    return body.format(**ids) if isinstance(body, str) else body


def _rows(organization: Organization) -> list[tuple[Any, ...]]:
    with in_organization(organization):
        return [
            *CourseRun.objects.values_list("id", "title", "state"),
            *Enrollment.objects.values_list("id", "state", "expires_at"),
            *Cohort.objects.values_list("id", "name", "run_id"),
            *LessonRecord.objects.values_list("id"),
        ]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_globex_cannot_reach_what_is_acmes(
    acme: Organization,
    globex: Organization,
    member: Callable[..., Membership],
    sign_in: Callable[..., Caller],
    method: str,
    path: str,
    body: Any,
) -> None:
    course, learner = make_published_course(acme), member(acme)
    run_id = make_run(acme, course)
    with in_organization(acme):
        cohort_id = Cohort.objects.create(name="Acme's", run_id=run_id).id
    ids = {
        "run": run_id,
        "enrollment": make_enrollment(acme, run_id, learner.id),
        "lesson": course.lesson_ids[0],
        "cohort": cohort_id,
        "own_member": member(globex).id,
    }
    before = _rows(acme)

    answer = getattr(sign_in(globex, Role.ADMIN), method)(f"/api/v1/{path.format(**ids)}", _filled(body, ids))
    at_wrong_host = getattr(Caller(host_of("globex"), access_token(learner)), method)(
        f"/api/v1/{path.format(**ids)}", _filled(body, ids)
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert at_wrong_host.status_code == 401
    assert _rows(acme) == before


@pytest.mark.parametrize("path", ["runs", "my-courses", "cohorts"])
def test_lists_are_the_organizations_own(
    acme: Organization,
    globex: Organization,
    member: Callable[..., Membership],
    sign_in: Callable[..., Caller],
    path: str,
) -> None:
    course, admin = make_published_course(acme), member(acme, Role.ADMIN)
    run_id = make_run(acme, course)
    make_enrollment(acme, run_id, admin.id)
    with in_organization(acme):
        Cohort.objects.create(name="Acme's")

    assert len(sign_in(acme, admin).get(f"/api/v1/{path}").json()["results"]) == 1
    assert sign_in(globex, Role.ADMIN).get(f"/api/v1/{path}").json()["results"] == []


@pytest.mark.parametrize(
    "path", ["runs/nope", "enrollments/nope", "my-courses/nope", "cohorts/nope", "runs/nope/progress"]
)
def test_an_id_that_is_none_is_not_found(
    acme: Organization, sign_in: Callable[..., Caller], path: str
) -> None:
    assert sign_in(acme, Role.ADMIN).get(f"/api/v1/{path}").status_code == 404


@pytest.mark.parametrize("path", ["runs", "my-courses", "cohorts"])
def test_without_sign_in_there_is_nothing(
    acme: Organization, anonymous: Callable[[Organization], Caller], path: str
) -> None:
    assert anonymous(acme).get(f"/api/v1/{path}").status_code == 401
