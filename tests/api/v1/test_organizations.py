"""Organizations over HTTP: operators on the platform host, an organization's own people on its host."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from shared_apps.idempotency.models import RememberedAnswer
from tenants.models import Organization
from tests.support.client import Caller, platform_caller
from tests.support.subscriptions import make_subscription

NEW = {"name": "Initech", "slug": "initech", "owner_email": "owner@initech.example"}


def test_an_operator_provisions_an_organization(operator: Caller) -> None:
    made = operator.post("/api/v1/organizations", NEW)
    assert made.status_code == 201
    body = made.json()
    assert made["Location"] == f"/api/v1/organizations/{body['id']}"
    assert (body["state"], body["host"], body["schema_state"]) == (
        "trial",
        "initech.palaestra.test",
        "claimed",
    )
    assert (body["plan"], body["seats_purchased"], body["timezone"]) == (None, None, "UTC")


def test_the_same_idempotency_key_makes_one_organization_even_when_the_answer_was_forgotten(
    operator: Caller,
) -> None:
    first = operator.post("/api/v1/organizations", NEW, HTTP_IDEMPOTENCY_KEY="key-0001")
    replayed = operator.post("/api/v1/organizations", NEW, HTTP_IDEMPOTENCY_KEY="key-0001")
    assert replayed["Idempotency-Replayed"] == "true"
    RememberedAnswer.objects.all().delete()
    late = operator.post("/api/v1/organizations", NEW, HTTP_IDEMPOTENCY_KEY="key-0001")
    assert late.status_code == 201
    assert first.json()["id"] == replayed.json()["id"] == late.json()["id"]


@pytest.mark.parametrize(
    ("label", "slug", "code"),
    [
        ("reserved", "admin", "name_not_available"),
        ("reserved, upper case", "ADMIN", "name_not_available"),
        ("look-alike by digit", "adm1n", "name_not_available"),
        ("look-alike by rn", "adrnin", "name_not_available"),
        ("look-alike by zero", "l0gin", "name_not_available"),
        ("look-alike by hyphen", "log-in", "name_not_available"),
        ("taken", "acme", "name_not_available"),
        ("taken, look-alike of a customer", "acrne", "name_not_available"),
        ("punycode", "xn--acme-9ta", "name_malformed"),
        ("not ASCII", "acmé", "name_malformed"),
        ("too short", "ab", "name_malformed"),
        ("too long", "a" * 41, "name_malformed"),
        ("starts with a digit", "1acme", "name_malformed"),
        ("ends with a hyphen", "acme-", "name_malformed"),
        ("underscore", "ac_me", "name_malformed"),
        ("a dot", "ac.me", "name_malformed"),
        ("a newline inside", "ac\nme", "name_malformed"),
    ],
)
def test_names_that_cannot_be_had(
    label: str, slug: str, code: str, operator: Caller, acme: Organization
) -> None:
    refused = operator.post("/api/v1/organizations", {**NEW, "slug": slug})
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["errors"][0]["field"] == "slug"
    assert Organization.objects.count() == 2


@pytest.mark.parametrize(
    ("label", "change"),
    [
        ("null character", {"name": "a\x00"}),
        ("too long", {"name": "x" * 201}),
        ("no address", {"owner_email": "owner"}),
        ("no language", {"language": "'; --"}),
        ("wrong type", {"slug": ["initech"]}),
    ],
)
def test_bodies_of_a_wrong_shape_are_400(label: str, change: dict[str, Any], operator: Caller) -> None:
    assert operator.post("/api/v1/organizations", {**NEW, **change}).status_code == 400
    assert Organization.objects.count() == 2


def test_the_list_searches_filters_and_pages_with_a_constant_number_of_queries(
    operator: Caller, acme: Organization, globex: Organization, django_assert_max_num_queries: Any
) -> None:
    make_subscription(acme, 7)
    with django_assert_max_num_queries(2):
        found = operator.get("/api/v1/organizations").json()["results"]
    assert {(row["slug"], row["seats_purchased"], row["plan"]) for row in found} == {
        ("acme", 7, "team"),
        ("globex", None, None),
    }
    assert [row["slug"] for row in operator.get("/api/v1/organizations?search=GLOB").json()["results"]] == [
        "globex"
    ]
    assert operator.get("/api/v1/organizations?state=suspended").json()["results"] == []
    page = operator.get("/api/v1/organizations?limit=1").json()
    rest = operator.get(page["next"].split("palaestra.test")[1]).json()
    assert [len(page["results"]), len(rest["results"]), rest["next"]] == [1, 1, None]
    with django_assert_max_num_queries(2):
        assert operator.get(f"/api/v1/organizations/{acme.id}").json()["seats_used"] == 0


def test_the_life_of_an_organization(operator: Caller, acme: Organization) -> None:
    address = f"/api/v1/organizations/{acme.id}"
    changed = operator.patch(address, {"name": "Acme AG", "settings": {"seat_self_claim": False}})
    assert (changed.json()["name"], changed.json()["settings"]) == ("Acme AG", {"seat_self_claim": False})
    assert operator.post(f"{address}/suspend", {}).status_code == 400
    assert operator.post(f"{address}/suspend", {"reason": "unpaid"}).json()["state"] == "suspended"
    assert operator.post(f"{address}/resume").json()["state"] == "trial"
    assert operator.post(f"{address}/resume").json()["code"] == "illegal_state_change"
    wrong = operator.post(f"{address}/delete", {"confirm": "globex"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "not_confirmed")
    gone = operator.post(f"{address}/delete", {"confirm": "acme"})
    assert (gone.status_code, gone.json()["state"]) == (202, "closing")
    assert gone.json()["delete_after"] is not None
    assert operator.get(f"{address}/deletion-receipt").status_code == 404
    kept = operator.post(f"{address}/keep")
    assert (kept.status_code, kept.json()["state"], kept.json()["delete_after"]) == (200, "trial", None)
    events = AuditEvent.objects.filter(organization_id=acme.id).order_by("id")
    assert list(events.values_list("action", flat=True)) == [
        "organizations.update",
        "organizations.suspend",
        "organizations.resume",
        "archives.export",
        "organizations.delete",
        "organizations.keep",
    ]


def test_owners_and_users_have_nothing_on_the_platform_host(
    acme: Organization, anonymous: Callable[..., Caller]
) -> None:
    owner = User.objects.get(email="owner@acme.example")
    for method, path in (
        ("get", "/api/v1/organizations"),
        ("get", f"/api/v1/organizations/{acme.id}"),
        ("post", f"/api/v1/organizations/{acme.id}/suspend"),
        ("patch", f"/api/v1/organizations/{acme.id}"),
    ):
        assert getattr(platform_caller(owner), method)(path).status_code == 403
        assert getattr(Caller("app.palaestra.test"), method)(path).status_code == 401
    acme.refresh_from_db()
    assert acme.state == "trial"


def test_admins_change_their_own_organization_and_learners_read_it(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme, Role.LEARNER)
    changed = admin.patch(
        "/api/v1/organization", {"name": "Acme Inc", "branding": {"primary_color": "#ff0000"}}
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "Acme Inc")
    assert learner.get("/api/v1/organization").json()["branding"] == {"primary_color": "#ff0000"}
    assert learner.patch("/api/v1/organization", {"name": "Mine"}).status_code == 403
    for body in ({"branding": {"primary_color": "red"}}, {"timezone": "Mars/Olympus"}, {"name": "\x00"}):
        assert admin.patch("/api/v1/organization", body).status_code == 400
    # What is not theirs to change is passed over.
    admin.patch("/api/v1/organization", {"settings": {"seat_self_claim": False}, "state": "active"})
    acme.refresh_from_db()
    globex.refresh_from_db()
    assert (acme.name, acme.settings, acme.state) == ("Acme Inc", {}, "trial")
    assert globex.name == "Globex"
    event = AuditEvent.objects.get(organization_id=acme.id)
    assert event.changes == {"name": ["Acme", "Acme Inc"], "branding": [{}, {"primary_color": "#ff0000"}]}


@pytest.mark.feature("CNT-08")
def test_operators_say_which_hosts_lessons_may_embed(acme: Organization, operator: Caller) -> None:
    address = f"/api/v1/organizations/{acme.id}"
    operator.patch(address, {"settings": {"seat_self_claim": False}})
    hosts = ["Films.ACME.example", "*.cdn.example", "films.acme.example", "bücher.example"]
    changed = operator.patch(address, {"settings": {"embed_allowed_hosts": hosts}})
    assert changed.json()["settings"] == {
        "seat_self_claim": False,
        "embed_allowed_hosts": ["films.acme.example", "*.cdn.example", "xn--bcher-kva.example"],
    }
    full = [f"h{number}.example" for number in range(50)]
    assert operator.patch(address, {"settings": {"embed_allowed_hosts": full}}).status_code == 200
    over = operator.patch(address, {"settings": {"embed_allowed_hosts": [*full, "one.example"]}})
    assert (over.status_code, over.json()["code"]) == (400, "invalid_input")
    assert operator.patch(address, {"settings": {"embed_allowed_hosts": []}}).json()["settings"] == {
        "seat_self_claim": False,
        "embed_allowed_hosts": [],
    }


@pytest.mark.parametrize(
    "host",
    [
        "*",
        "*.com",
        "com",
        "a.*.example",
        "https://a.example",
        "a.example/x",
        "a.example:8",
        "10.0.0.1",
        "a b.c",
    ],
)
def test_what_is_no_host_cannot_be_embedded_from(host: str, acme: Organization, operator: Caller) -> None:
    answer = operator.patch(
        f"/api/v1/organizations/{acme.id}", {"settings": {"embed_allowed_hosts": ["ok.example", host]}}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "embed_host_malformed")
    assert answer.json()["errors"][0]["field"] == "settings.embed_allowed_hosts"
    assert answer.json()["facts"] == {"host": host}
    acme.refresh_from_db()
    assert acme.settings == {}
