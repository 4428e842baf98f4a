"""What a plan allows: names and forms checked, limits held where things are made, perks that close doors."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.entitlements import ENTITLEMENTS, Kind, check_features
from billing.enums import SubscriptionStatus
from billing.errors import FeatureUnknown, FeatureValueRefused
from billing.models import Plan, Subscription
from billing.selectors.entitlements import entitlements_of
from billing.services.access.entitlements import override_entitlements
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.core.errors import DomainError, Forbidden
from tenant_apps.courses.models import Course
from tenant_apps.courses.services.courses import create_course
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.client import Caller
from tests.support.measures import statements

SignIn = Callable[..., Caller]
OPERATOR = Actor(kind=ActorKind.OPERATOR, label="operator@palaestra.example")


def on_plan(organization: Organization, **features: Any) -> Subscription:
    """Subscribe the organization to a plan that says this."""
    plan = Plan.objects.create(code="limited", name="Limited", features=features)
    return Subscription.objects.create(
        organization=organization, plan=plan, purchased=5, starts_at=clock.now(), gateway_ref="sub_limited"
    )


def course(number: int) -> dict[str, str]:
    return {"slug": f"course-{number}", "title": f"Course {number}", "language": "en"}


def test_without_a_word_the_defaults_hold(acme: Organization) -> None:
    found = entitlements_of(acme.id)
    assert dict(found.values) == {name: each.default for name, each in ENTITLEMENTS.items()}
    assert (found.plan, set(found.sources.values())) == ("", {"default"})


def test_the_operator_counts_before_the_plan_and_the_plan_before_the_default(acme: Organization) -> None:
    on_plan(acme, courses=3, sso=True, storage_mb=50)
    override_entitlements(actor=OPERATOR, organization_id=acme.id, entitlements={"courses": None})
    found = entitlements_of(acme.id)
    assert (found.limit("courses"), found.limit("storage_mb"), found.has("sso")) == (None, 50, True)
    assert (found.sources["courses"], found.sources["sso"], found.sources["api_access"]) == (
        "operator",
        "plan",
        "default",
    )
    override_entitlements(actor=OPERATOR, organization_id=acme.id, entitlements={})
    assert entitlements_of(acme.id).limit("courses") == 3


def test_a_subscription_that_is_over_allows_nothing_of_its_plan(acme: Organization) -> None:
    row = on_plan(acme, sso=True)
    assert entitlements_of(acme.id).has("sso") is True
    row.status = SubscriptionStatus.CANCELED
    row.save_fields("status")
    assert entitlements_of(acme.id).has("sso") is False


def test_what_a_plan_says_in_a_wrong_form_counts_as_unsaid(acme: Organization) -> None:
    on_plan(acme, courses="many", sso=1, unheard=True)
    found = entitlements_of(acme.id)
    assert (found.limit("courses"), found.has("sso")) == (None, False)


@pytest.mark.parametrize(
    ("features", "error"),
    [
        ({"coarses": 3}, FeatureUnknown),
        ({"courses": -1}, FeatureValueRefused),
        ({"courses": True}, FeatureValueRefused),
        ({"courses": 2.5}, FeatureValueRefused),
        ({"courses": "3"}, FeatureValueRefused),
        ({"sso": 1}, FeatureValueRefused),
        ({"sso": None}, FeatureValueRefused),
    ],
)
def test_a_plan_can_say_only_what_is_registered(features: dict[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        check_features(features)


def test_what_is_registered_passes() -> None:
    check_features({name: True if each.kind is Kind.FLAG else 0 for name, each in ENTITLEMENTS.items()})


def test_only_operators_override_and_it_is_recorded(acme: Organization) -> None:
    admin = Actor(kind=ActorKind.MEMBER, role=Role.OWNER, organization_id=acme.id)
    with pytest.raises(Forbidden):
        override_entitlements(actor=admin, organization_id=acme.id, entitlements={"sso": True})
    with pytest.raises(FeatureUnknown):
        override_entitlements(actor=OPERATOR, organization_id=acme.id, entitlements={"gold": True})
    acme.refresh_from_db()
    assert acme.entitlements is None


def test_it_is_asked_once_in_a_request_and_never_of_another_organization(
    acme: Organization, globex: Organization
) -> None:
    on_plan(acme, courses=3)
    with in_organization(acme), statements() as asked:
        assert entitlements_of(acme.id).limit("courses") == 3
        assert entitlements_of(acme.id).limit("courses") == 3
    assert len(asked) == 1
    with in_organization(globex):
        assert entitlements_of(globex.id).limit("courses") is None


# --- Over the API ------------------------------------------------------------------------------


@pytest.mark.feature("SUB-03")
def test_one_course_more_than_the_plan_allows_is_refused(acme: Organization, sign_in: SignIn) -> None:
    admin = sign_in(acme, Role.ADMIN)
    with in_organization(acme):
        present = Course.objects.filter(deleted_at=None).count()
    with in_public():
        on_plan(acme, courses=present + 2)
    made = [admin.post("/api/v1/courses", course(number)) for number in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 402]
    refused = made[-1].json()
    assert (refused["code"], refused["facts"]) == (
        "plan_limit_reached",
        {"limit_name": "courses", "limit": present + 2, "used": present + 2},
    )
    # a deleted one makes room, and cannot come back into it
    first = made[0].json()["id"]
    assert admin.delete(f"/api/v1/courses/{first}").status_code == 204
    assert admin.post("/api/v1/courses", course(3)).status_code == 201
    assert admin.post(f"/api/v1/courses/{first}/restore").status_code == 402
    with in_organization(acme):
        assert Course.objects.filter(deleted_at=None).count() == present + 2


@pytest.mark.feature("SUB-03")
def test_courses_made_at_once_keep_to_the_limit(committed: None, acme: Organization) -> None:
    on_plan(acme, courses=3)
    membership = acme.memberships.get(role=Role.OWNER)
    actor = Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=acme.id,
        role=Role.OWNER,
    )
    answers: list[str] = []
    gate = threading.Barrier(8)

    def make(number: int) -> None:
        with in_organization(acme):
            gate.wait()
            try:
                create_course(actor=actor, slug=f"race-{number}", title="Race")
                answers.append("made")
            except DomainError as error:
                answers.append(error.code)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["made"] * 3 + ["plan_limit_reached"] * 5


@pytest.mark.feature("SUB-03")
def test_files_beyond_the_plans_storage_are_refused(acme: Organization, sign_in: SignIn) -> None:
    on_plan(acme, storage_mb=1)
    admin = sign_in(acme, Role.ADMIN)

    def upload(name: str, size: int) -> Any:
        file = SimpleUploadedFile(name, name.encode().ljust(size, b"."))
        return admin.post("/api/v1/files", {"file": file}, format="multipart")

    assert upload("first.txt", 600_000).status_code == 201
    refused = upload("second.txt", 500_000)
    assert (refused.status_code, refused.json()["facts"]) == (
        402,
        {"limit_name": "storage_mb", "limit": 1, "used": 1},
    )
    assert upload("third.txt", 400_000).status_code == 201


@pytest.mark.feature("SUB-04")
@pytest.mark.parametrize(
    ("perk", "path", "body"),
    [
        ("custom_domains", "/api/v1/domains", {"domain": "learn.acme.example"}),
        ("api_access", "/api/v1/auth/tokens", {"name": "Sheets", "scopes": ["read"]}),
    ],
)
def test_a_perk_that_is_off_closes_its_endpoint(
    acme: Organization, globex: Organization, sign_in: SignIn, perk: str, path: str, body: dict[str, Any]
) -> None:
    row = on_plan(acme, **{perk: False})
    admin = sign_in(acme, Role.ADMIN)
    refused = admin.post(path, body)
    assert (refused.status_code, refused.json()["code"]) == (402, "not_in_plan")
    assert refused.json()["facts"] == {"feature": perk}
    assert admin.get(path).status_code == 200
    assert sign_in(globex, Role.ADMIN).post(path, body).status_code == 201
    with in_public():
        Plan.objects.filter(id=row.plan_id).update(features={perk: True})
    assert admin.post(path, body).status_code == 201


@pytest.mark.feature("SUB-04")
def test_limits_are_shown_with_what_is_used_of_them(acme: Organization, sign_in: SignIn) -> None:
    on_plan(acme, courses=30, sso=True)
    admin = sign_in(acme, Role.BILLING_ADMIN)
    with in_organization(acme):
        present = Course.objects.filter(deleted_at=None).count()
    answer = admin.get("/api/v1/billing/entitlements").json()
    shown = {line["name"]: line for line in answer["results"]}
    assert (answer["plan"], list(shown)) == ("limited", list(ENTITLEMENTS))
    assert shown["courses"] == {
        "name": "courses",
        "kind": "limit",
        "wording": "Courses that are not deleted",
        "allowed": True,
        "limit": 30,
        "used": present,
        "said_by": "plan",
    }
    assert (shown["sso"]["allowed"], shown["sso"]["limit"], shown["sso"]["used"]) == (True, None, None)
    assert shown["priority_support"]["allowed"] is False
    assert sign_in(acme, Role.INSTRUCTOR).get("/api/v1/billing/entitlements").status_code == 403
