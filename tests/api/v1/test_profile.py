"""One's own profile."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.conftest import MemberMaker
from tests.support.client import Caller


@pytest.mark.feature("IDN-10")
def test_the_profile_is_ones_own(
    acme: Organization, member: MemberMaker, sign_in: Callable[..., Caller]
) -> None:
    someone = member(acme, email="ann@acme.example", first_name="Ann", department="Ops")
    body = sign_in(acme, someone).get("/api/v1/profile").json()
    assert body["email"] == "ann@acme.example"
    assert body["member"]["id"] == str(someone.id)
    assert body["member"]["department"] == "Ops"
    assert body["member"]["role"] == "learner"
    assert body["can"]["profile.own"] is True
    assert body["can"]["members.edit"] is False
    assert sign_in(acme, Role.ADMIN).get("/api/v1/profile").json()["can"]["members.edit"] is True


@pytest.mark.feature("IDN-10")
def test_one_changes_what_one_says_not_what_the_company_says(
    acme: Organization, member: MemberMaker, sign_in: Callable[..., Caller]
) -> None:
    someone, other = member(acme, department="Ops"), member(acme)
    answer = sign_in(acme, someone).patch(
        "/api/v1/profile",
        {
            "name": "Ann Li",
            "department": "Board",
            "email": "x@y.example",
            "role": "owner",
            "user_id": str(other.user_id),
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["name"], body["member"]["department"], body["member"]["role"]) == (
        "Ann Li",
        "Ops",
        "learner",
    )
    assert User.objects.get(pk=someone.user_id).email != "x@y.example"
    assert User.objects.get(pk=other.user_id).name == ""


@pytest.mark.feature("IDN-16")
def test_timezone_and_language_are_checked(acme: Organization, sign_in: Callable[..., Caller]) -> None:
    caller = sign_in(acme, Role.LEARNER)

    def sent(**fields: Any) -> tuple[int, str | None]:
        answer = caller.patch("/api/v1/profile", fields)
        return answer.status_code, answer.json().get("code")

    assert sent(timezone="Asia/Kolkata", language="pt-BR") == (200, None)
    assert sent(timezone="../../etc/passwd") == (400, "unknown_timezone")
    assert sent(timezone="Asia/Atlantis") == (400, "unknown_timezone")
    assert sent(language="<b>") == (400, "unknown_language")
    assert sent(timezone=5, language=["en"]) == (400, "invalid_input")
    assert sent(name="a\x00") == (400, "invalid_input")
    body = caller.get("/api/v1/profile").json()
    assert (body["timezone"], body["language"]) == ("Asia/Kolkata", "pt-BR")


def test_without_sign_in_there_is_no_profile(
    acme: Organization, globex: Organization, anonymous: Callable[[Organization], Caller], member: MemberMaker
) -> None:
    assert anonymous(acme).get("/api/v1/profile").status_code == 401


def test_a_profile_costs_few_queries(
    acme: Organization, sign_in: Callable[..., Caller], django_assert_max_num_queries: Any
) -> None:
    caller = sign_in(acme, Role.LEARNER)
    caller.get("/api/v1/profile")  # the host look-up is cached from here on
    with django_assert_max_num_queries(2):
        assert caller.get("/api/v1/profile").status_code == 200
