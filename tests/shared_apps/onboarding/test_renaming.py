"""A new subdomain: the old one leads there, then rests; nobody is signed out; nobody else gets it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import Conflict
from shared_apps.onboarding.services.lifecycle import delete_organization, suspend_organization
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.renaming import rename_organization, rename_own_organization
from shared_apps.onboarding.tasks import check_domains
from shared_apps.onboarding.types import NewOrganization
from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_public
from tenants.errors import NameMalformed, NameNotAvailable, TooManyNames
from tenants.models import Domain, Organization, ReleasedName
from tests.support.client import Caller

SYSTEM = system_actor("test")


@pytest.fixture
def capture(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what is due after the commit: the registry's news."""
    return partial(django_capture_on_commit_callbacks, execute=True)


def rename(organization: Organization, slug: str) -> Organization:
    return rename_organization(actor=SYSTEM, organization_id=organization.id, slug=slug)


def wish(slug: str) -> NewOrganization:
    return NewOrganization(name="New", slug=slug, owner_email="owner@new.example")


@pytest.mark.feature("TEN-06")
def test_tokens_stay_good_links_lead_on_and_writes_are_told_where(
    acme: Organization, sign_in: Callable[..., Caller], capture: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    assert admin.get("/api/v1/members").status_code == 200  # the old host is cached in this process
    with capture():
        renamed = admin.post("/api/v1/organization/rename", {"slug": "Acme-Works"})
    assert renamed.status_code == 200
    assert (renamed.json()["slug"], renamed.json()["host"]) == ("acme-works", "acme-works.palaestra.test")

    followed = admin.get("/api/v1/members?search=a%20b&limit=5")
    assert followed.status_code == 308
    assert followed["Location"] == "http://acme-works.palaestra.test/api/v1/members?search=a%20b&limit=5"
    assert followed["Cache-Control"] == "max-age=86400"
    refused = admin.post("/api/v1/invitations", {"email": "x@acme.example"})
    assert (refused.status_code, refused.json()["code"]) == (410, "organization_moved")
    assert refused.json()["facts"] == {"host": "acme-works.palaestra.test"}

    there = Caller("acme-works.palaestra.test", admin.token)
    assert there.get("/api/v1/members").status_code == 200
    there.post("/api/v1/invitations", {"email": "new@acme.example", "role": "learner"})
    mail = OutboxMessage.objects.get(organization_id=acme.id, topic="mail.send")
    assert mail.payload["context"]["link"].startswith("http://acme-works.palaestra.test/")
    event = AuditEvent.objects.get(organization_id=acme.id, action="organizations.rename")
    assert event.changes == {"slug": ["acme", "acme-works"]}


def test_a_redirect_never_leads_to_another_site(acme: Organization, capture: Any) -> None:
    with capture():
        rename(acme, "acme-works")
    for path in ("//evil.example/x", "/\\evil.example", "/@evil.example"):
        moved = Caller("acme.palaestra.test").get(path)
        assert moved["Location"].startswith("http://acme-works.palaestra.test/"), path


@pytest.mark.feature("TEN-06")
def test_the_former_host_ends_and_its_name_rests_for_all_but_its_owner(
    acme: Organization, globex: Organization, capture: Any
) -> None:
    with capture():
        rename(acme, "acme-works")
    now = clock.now()
    ends = now + settings.RENAMED_HOST_LIFETIME
    for instant, code in ((ends - timedelta(hours=1), 308), (ends + timedelta(hours=1), 404)):
        with clock.frozen_at(instant):
            with capture():
                check_domains()
            assert Caller("acme.palaestra.test").get("/api/v1/x").status_code == code
    assert list(Domain.objects.filter(tenant=acme).values_list("domain", flat=True)) == [
        "acme-works.palaestra.test"
    ]
    rests = ends + settings.RELEASED_NAME_QUARANTINE
    for stranger in ("acme", "acrne", "acme-works"):
        with clock.frozen_at(rests - timedelta(hours=1)), pytest.raises(NameNotAvailable):
            rename(globex, stranger)
        with clock.frozen_at(rests - timedelta(hours=1)), pytest.raises(NameNotAvailable):
            provision_organization(actor=SYSTEM, request=wish(stranger))
    with clock.frozen_at(rests + timedelta(hours=1)):
        assert rename(globex, "acme").slug == "acme"


def test_a_former_name_is_taken_back_at_once(acme: Organization, capture: Any) -> None:
    for slug in ("acme-works", "acme", "acme-works", "acme"):
        with capture():
            rename(acme, slug)
    assert Caller("acme.palaestra.test").get("/api/v1/x").json()["code"] == "not_found"
    assert Caller("acme-works.palaestra.test").get("/api/v1/x").status_code == 308
    rows = Domain.objects.filter(tenant=acme).order_by("domain")
    assert [(row.domain, row.is_primary, row.retires_at is None) for row in rows] == [
        ("acme-works.palaestra.test", False, False),
        ("acme.palaestra.test", True, True),
    ]
    assert list(ReleasedName.objects.values_list("name", flat=True)) == ["acme-works"]


def test_asking_twice_changes_nothing_the_second_time(acme: Organization) -> None:
    for _ in range(2):
        assert rename(acme, "acme-works").slug == "acme-works"
    assert AuditEvent.objects.filter(action="organizations.rename").count() == 1
    assert Domain.objects.filter(tenant=acme).count() == 2


@pytest.mark.parametrize(
    ("label", "slug", "error"),
    [
        ("taken", "globex", NameNotAvailable),
        ("like one that is taken", "g1obex", NameNotAvailable),
        ("reserved", "admin", NameNotAvailable),
        ("malformed", "a", NameMalformed),
    ],
)
def test_names_that_cannot_be_had_change_nothing(
    label: str, slug: str, error: type[Exception], acme: Organization, globex: Organization
) -> None:
    with pytest.raises(error):
        rename(acme, slug)
    acme.refresh_from_db()
    assert (acme.slug, ReleasedName.objects.count()) == ("acme", 0)


def test_a_name_like_ones_own_can_be_had(acme: Organization) -> None:
    assert rename(acme, "ac-me").slug == "ac-me"


def test_customers_keep_a_bounded_number_of_names_and_operators_do_not(acme: Organization) -> None:
    owner = Actor(kind=ActorKind.MEMBER, role=Role.OWNER, organization_id=acme.id)
    own = partial(rename_own_organization, actor=owner, organization=acme.ref())
    for number in range(5):
        own(slug=f"name-{number}-x")
    with pytest.raises(TooManyNames):
        own(slug="name-five-x")
    assert own(slug="acme").slug == "acme"  # taking one back frees it
    assert rename(acme, "name-six-x").slug == "name-six-x"


def test_only_an_open_or_suspended_organization_is_renamed(acme: Organization, globex: Organization) -> None:
    suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid")
    assert rename(acme, "acme-works").slug == "acme-works"
    delete_organization(actor=SYSTEM, organization_id=globex.id, confirm="globex")
    with pytest.raises(Conflict):
        rename(globex, "globex-works")


def test_a_former_host_of_a_suspended_organization_says_so(acme: Organization, capture: Any) -> None:
    with capture():
        rename(acme, "acme-works")
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid")
    assert Caller("acme.palaestra.test").get("/api/v1/x").json()["code"] == "organization_suspended"


def test_the_one_organization_of_an_installation_keeps_its_name(acme: Organization) -> None:
    with override_settings(SINGLE_ORGANIZATION="acme"), pytest.raises(NameNotAvailable):
        rename(acme, "acme-works")


@pytest.mark.feature("TEN-06")
@pytest.mark.parametrize("names", [("initech", "initech"), ("initech", "lnitech")], ids=["same", "alike"])
def test_two_who_want_one_name_at_once_are_told_apart(names: tuple[str, str], committed: None) -> None:
    organizations = list(Organization.objects.filter(slug__in=["acme", "globex"]).order_by("slug"))

    def act(pair: tuple[Organization, str]) -> str:
        try:
            with in_public():
                return rename(*pair).slug
        except NameNotAvailable as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        said = list(threads.map(act, zip(organizations, names, strict=True)))
    assert sorted(word == "name_not_available" for word in said) == [False, True]
    assert Organization.objects.filter(slug__in=set(names)).count() == 1
