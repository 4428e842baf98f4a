"""Who manages a path: administrators say so, and a right that is taken is gone with the next request."""

from collections.abc import Callable

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import Caller, caller_as

PATH = {"slug": "first-year", "title": "First year"}


@pytest.mark.feature("PTH-01")
def test_the_right_to_manage_a_path_is_given_and_taken(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Caller]
) -> None:
    admin, lin = sign_in(acme, Role.ADMIN), member(acme, Role.INSTRUCTOR)
    made = admin.post("/api/v1/paths", PATH).json()
    address, teacher = f"/api/v1/paths/{made['id']}", caller_as(lin, acme)
    assert made["can"]["set_managers"] is True
    assert teacher.get(address).status_code == 404

    given = admin.put(f"{address}/managers", {"member_id": str(lin.id), "manages": True})
    again = admin.put(f"{address}/managers", {"member_id": str(lin.id), "manages": True})

    assert [each["member_id"] for each in given.json()] == [str(lin.id)]
    assert (again.status_code, again.json()) == (200, given.json())
    assert admin.get(f"{address}/managers").json() == given.json()
    can = teacher.get(address).json()["can"]
    assert (can["edit"], can["publish"], can["set_managers"]) == (True, True, False)
    assert teacher.patch(address, {"title": "Year one"}, HTTP_IF_MATCH="*").status_code == 200

    taken = admin.put(f"{address}/managers", {"member_id": str(lin.id), "manages": False})

    assert taken.json() == []
    assert teacher.get(address).status_code == 404
    events = AuditEvent.objects.filter(action="paths.staff").order_by("id")
    assert [event.changes["manages"] for event in events] == [[False, True], [True, False]]


def test_only_administrators_say_who_manages_a_path(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Caller]
) -> None:
    lin, admin = member(acme, Role.MANAGER), sign_in(acme, Role.ADMIN)
    maker = caller_as(lin, acme)
    address = f"/api/v1/paths/{maker.post('/api/v1/paths', PATH).json()['id']}/managers"

    assert maker.get(address).json()["facts"] == {"needed": "paths.staff"}
    assert maker.put(address, {"member_id": str(lin.id), "manages": False}).status_code == 403
    refused = admin.put(address, {"member_id": "01a1fe96-0000-7000-8000-000000000000", "manages": True})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_member")
    assert [each["member_id"] for each in admin.get(address).json()] == [str(lin.id)]
