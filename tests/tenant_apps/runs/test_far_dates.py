"""Dates at the two ends of the calendar: people send "9999-12-31" for never, and every zone must show it."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run

ZONES = ["Pacific/Kiritimati", "America/Los_Angeles"]
ENDS = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]
Make = Callable[..., Membership]
Sign = Callable[..., Any]


@pytest.mark.feature("ENR-02")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", ["starts_at", "ends_at", "enrollment_opens_at", "enrollment_closes_at"])
@pytest.mark.parametrize("instant", ENDS)
def test_a_run_shows_any_instant_in_any_zone(
    zone: str, moment: str, instant: str, acme: Organization, sign_in: Sign
) -> None:
    path = f"/api/v1/runs/{make_run(acme, make_published_course(acme))}"
    admin = sign_in(acme, Role.ADMIN)

    changed = admin.patch(path, {moment: instant, "timezone": zone})

    assert (changed.status_code, changed.json()[moment]) == (200, instant)
    assert admin.get("/api/v1/runs").json()["results"][0][moment] == instant


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("local", ["9999-12-31T23:59", "9999-01-01T00:00", "0001-01-01T00:00"])
def test_a_wall_time_at_the_ends_of_the_calendar_is_refused(
    zone: str, local: str, acme: Organization, sign_in: Sign
) -> None:
    path = f"/api/v1/runs/{make_run(acme, make_published_course(acme))}"

    refused = sign_in(acme, Role.ADMIN).patch(path, {"ends_local": local, "timezone": zone})

    assert (refused.status_code, refused.json()["code"]) == (400, "not_a_wall_time")
    assert refused.json()["errors"][0]["field"] == "ends_local"


@pytest.mark.feature("ENR-04")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("expires_at", "access"), [(ENDS[0], True), (ENDS[1], False)])
def test_access_until_the_end_of_time_is_told_to_its_learner(
    zone: str, expires_at: str, access: bool, acme: Organization, member: Make, sign_in: Sign
) -> None:
    who = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, make_published_course(acme)), who.pk)
    learner = sign_in(acme, who)
    assert learner.patch("/api/v1/profile", {"timezone": zone}).status_code == 200

    changed = sign_in(acme, Role.ADMIN).patch(
        f"/api/v1/enrollments/{enrollment_id}", {"expires_at": expires_at}
    )

    assert (changed.status_code, changed.json()["expires_at"]) == (200, expires_at)
    why = learner.get(f"/api/v1/my-courses/{enrollment_id}/why")
    assert (why.status_code, why.json()["is_open"]) == (200, access)
    for path in (f"/api/v1/my-courses/{enrollment_id}", "/api/v1/my-courses", "/api/v1/home"):
        assert learner.get(path).status_code == 200, path
