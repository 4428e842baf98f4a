"""Custom domains: claimed by anybody, had by whom DNS names, given back when it names them no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.core.signing import key_id, public_key
from shared_apps.onboarding.errors import DomainCheckedJustNow, DomainMalformed, DomainNotProven
from shared_apps.onboarding.gateways.dns import look_up_texts
from shared_apps.onboarding.parsing import parse_domain
from shared_apps.onboarding.selectors.domains import claims_to_check
from shared_apps.onboarding.services.domains import (
    check_domain,
    claim_domain,
    make_primary,
    recheck_domain,
    remove_domain,
)
from shared_apps.onboarding.services.lifecycle import suspend_organization
from shared_apps.onboarding.tasks import check_domains
from tenants.context import in_public
from tenants.models import Domain, DomainClaim, Organization
from tenants.selectors.hosts import primary_host
from tests.fakes.dns import FakeDns
from tests.support.client import Caller, access_token

SYSTEM = system_actor("test")
NAME = "learn.acme.example"
CHALLENGE = f"_palaestra-challenge.{NAME}"


@pytest.fixture
def capture(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what is due after the commit: the registry's news."""
    return partial(django_capture_on_commit_callbacks, execute=True)


def claimed(organization: Organization, name: str = NAME) -> DomainClaim:
    return claim_domain(actor=SYSTEM, organization_id=organization.id, domain=name)


def looked(claim: DomainClaim) -> DomainClaim:
    """Return the claim after one look at DNS."""
    recheck_domain(claim_id=claim.id)
    claim.refresh_from_db()
    return claim


def hosts_of(organization: Organization) -> dict[str, bool]:
    """Return the organization's host names, and whether each is the primary one."""
    return dict(Domain.objects.filter(tenant=organization).values_list("domain", "is_primary"))


def actions_of(organization: Organization) -> list[str]:
    events = AuditEvent.objects.filter(organization_id=organization.id).order_by("id")
    return list(events.values_list("action", flat=True))


@pytest.mark.feature("TEN-06")
def test_a_proven_domain_serves_and_an_unproven_one_does_not(
    acme: Organization, member: Callable[..., Any], dns: FakeDns, capture: Any
) -> None:
    claim = claimed(acme)
    person = member(acme, Role.ADMIN)
    caller = Caller(NAME, access_token(person))
    assert caller.get("/api/v1/members").json()["code"] == "host_not_found"
    dns.texts[CHALLENGE] = ["v=spf1 -all", claim.token]
    with capture():
        claim = looked(claim)
    assert (claim.problem, claim.proven_at is not None) == ("", True)
    assert caller.get("/api/v1/members").status_code == 200
    assert Caller("acme.palaestra.test", caller.token).get("/api/v1/members").status_code == 200
    assert hosts_of(acme) == {"acme.palaestra.test": True, NAME: False}
    assert actions_of(acme) == ["domains.claim", "domains.prove"]


@pytest.mark.parametrize(
    ("label", "answer", "problem"),
    [
        ("no such name", {}, "dns_record_missing"),
        ("a name without texts", {"texts": []}, "dns_record_missing"),
        ("somebody else's token", {"texts": ["0" * 40]}, "dns_record_wrong"),
        ("the server fails", {"failure": "servfail"}, "dns_server_failed"),
        ("the server refuses", {"failure": "refused"}, "dns_server_failed"),
        ("nobody answers", {"failure": "silence"}, "dns_timeout"),
    ],
)
def test_what_does_not_prove_a_domain(
    label: str, answer: dict[str, Any], problem: str, acme: Organization, dns: FakeDns, settings: Any
) -> None:
    if answer == {"failure": "silence"}:
        settings.DNS_TIMEOUT_SECONDS = 0.5
    claim = claimed(acme)
    if "texts" in answer:
        dns.texts[CHALLENGE] = answer["texts"]
    if "failure" in answer:
        dns.failures[CHALLENGE] = answer["failure"]
    claim = looked(claim)
    assert (claim.problem, claim.proven_at) == (problem, None)
    assert claim.checked_at is not None
    assert hosts_of(acme) == {"acme.palaestra.test": True}
    # Made right later, it is found.
    dns.failures.clear()
    dns.texts[CHALLENGE] = [claim.token]
    assert looked(claim).problem == ""


def test_only_the_challenge_is_asked_for_and_long_values_are_read_whole(dns: FakeDns) -> None:
    dns.texts["long.example"] = ["x" * 300]
    assert look_up_texts("long.example").values == {"x" * 300}
    assert dns.asked == ["long.example"]


@pytest.mark.feature("TEN-06")
def test_a_lost_record_ends_the_domain_after_the_grace_and_not_before(
    acme: Organization, dns: FakeDns, capture: Any
) -> None:
    claim = claimed(acme)
    dns.texts[CHALLENGE] = [claim.token]
    looked(claim)
    make_primary(actor=SYSTEM, organization_id=acme.id, claim_id=claim.id)
    del dns.texts[CHALLENGE]
    claim = looked(claim)
    assert claim.problem == "dns_record_missing"
    with capture():
        check_domains()
    assert Caller(NAME).get("/api/v1/x").json()["code"] == "not_found"  # serves
    with clock.frozen_at(clock.now() + settings.DOMAIN_GRACE + timedelta(minutes=1)), capture():
        check_domains()
    assert Caller(NAME).get("/api/v1/x").json()["code"] == "host_not_found"
    assert hosts_of(acme) == {"acme.palaestra.test": True}
    claim.refresh_from_db()
    assert claim.proven_at is None
    assert actions_of(acme)[-2:] == ["domains.proof_lost", "domains.end"]


def test_a_record_that_comes_back_in_time_keeps_the_domain(acme: Organization, dns: FakeDns) -> None:
    claim = claimed(acme)
    dns.texts[CHALLENGE] = [claim.token]
    looked(claim)
    dns.texts[CHALLENGE] = []
    looked(claim)
    stops_at = Domain.objects.get(domain=NAME).retires_at
    assert stops_at is not None
    looked(claim)
    assert Domain.objects.get(domain=NAME).retires_at == stops_at  # the grace does not start anew
    dns.texts[CHALLENGE] = [claim.token]
    assert looked(claim).problem == ""
    assert Domain.objects.get(domain=NAME).retires_at is None
    assert actions_of(acme)[-2:] == ["domains.proof_lost", "domains.proof_back"]


@pytest.mark.parametrize("failure", ["servfail", "silence"])
def test_dns_that_cannot_be_asked_ends_nothing(
    failure: str, acme: Organization, dns: FakeDns, settings: Any
) -> None:
    claim = claimed(acme)
    dns.texts[CHALLENGE] = [claim.token]
    looked(claim)
    dns.failures[CHALLENGE] = failure
    if failure == "silence":
        settings.DNS_TIMEOUT_SECONDS = 0.5
    assert looked(claim).problem in {"dns_server_failed", "dns_timeout"}
    assert Domain.objects.get(domain=NAME).retires_at is None


@pytest.mark.feature("TEN-06")
def test_a_name_that_changed_hands_moves_at_once_in_every_process(
    acme: Organization, globex: Organization, member: Callable[..., Any], dns: FakeDns, capture: Any
) -> None:
    ours, theirs = claimed(acme), claimed(globex)
    assert ours.token != theirs.token
    dns.texts[CHALLENGE] = [ours.token]
    with capture():
        looked(ours)
        make_primary(actor=SYSTEM, organization_id=acme.id, claim_id=ours.id)
    token = access_token(member(acme, Role.ADMIN))
    assert Caller(NAME, token).get("/api/v1/members").status_code == 200
    # Both stand in DNS: whoever has it keeps it.
    dns.texts[CHALLENGE] = [ours.token, theirs.token]
    assert looked(theirs).problem == "domain_in_use"
    dns.texts[CHALLENGE] = [theirs.token]
    with capture():
        assert looked(theirs).problem == ""
    assert hosts_of(acme) == {"acme.palaestra.test": True}
    assert hosts_of(globex) == {"globex.palaestra.test": True, NAME: False}
    # Acme's token is no sign-in at the host that is Globex's now.
    assert Caller(NAME, token).get("/api/v1/members").status_code == 401
    ours.refresh_from_db()
    assert ours.proven_at is None
    assert actions_of(acme)[-1] == "domains.lost"
    assert actions_of(globex)[-1] == "domains.prove"
    # Nothing in Acme's log says whose it is.
    lost = AuditEvent.objects.get(organization_id=acme.id, action="domains.lost")
    assert str(globex.id) not in str(lost.changes)


def test_two_who_prove_one_name_at_once_leave_one_owner(committed: None, dns: FakeDns) -> None:
    acme, globex = Organization.objects.get(slug="acme"), Organization.objects.get(slug="globex")
    claims = [claimed(acme), claimed(globex)]
    dns.texts[CHALLENGE] = [claim.token for claim in claims]

    def look(claim: DomainClaim) -> None:
        try:
            with in_public():
                recheck_domain(claim_id=claim.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(look, claims))
    assert Domain.objects.filter(domain=NAME).count() == 1
    problems = sorted(DomainClaim.objects.values_list("problem", flat=True))
    assert problems == ["", "domain_in_use"]


@pytest.mark.parametrize(
    ("label", "text", "name"),
    [
        ("plain", "learn.acme.example", "learn.acme.example"),
        ("upper case and a dot", " Learn.ACME.example. ", "learn.acme.example"),
        ("umlaut", "lernen.müller.example", "lernen.xn--mller-kva.example"),
        ("sharp s, as browsers read it", "straße.example", "xn--strae-oqa.example"),
        ("A-labels", "xn--mller-kva.example", "xn--mller-kva.example"),
        ("the product's name below one's own", "palaestra.acme.example", "palaestra.acme.example"),
        ("a shared suffix's child", "acme.co.uk", "acme.co.uk"),
        ("of our length in another script", "\u4e2d" * 9 + ".test", "xn--fiqaaaaaaaa.test"),
    ],
)
def test_names_that_can_be_had(label: str, text: str, name: str) -> None:
    assert parse_domain(text) == name


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("nothing", ""),
        ("a dot", "."),
        ("one label", "acme"),
        ("a scheme", "https://acme.example"),
        ("a path", "acme.example/x"),
        ("a port", "acme.example:80"),
        ("a wildcard", "*.acme.example"),
        ("an underscore", "_dmarc.acme.example"),
        ("a space", "ac me.example"),
        ("an empty label", "acme..example"),
        ("a hyphen first", "-acme.example"),
        ("a label too long", "a" * 64 + ".example"),
        ("too long", ".".join(["a" * 60] * 5) + ".example"),
        ("an IPv4 address", "192.0.2.7"),
        ("an IPv4 address in hex", "0x7f.1"),
        ("a number last", "acme.7"),
        ("an IPv6 address", "::1"),
        ("loopback by name", "acme.localhost"),
        ("a network's own", "acme.internal"),
        ("no A-label", "xn--\u0000.example"),
        ("a shared suffix", "co.uk"),
        ("ours", "palaestra.test"),
        ("below ours", "acme2.palaestra.test"),
        ("the platform's host", "app.palaestra.test"),
        ("like ours", "acme.pa1aestra.test"),
        ("like ours with a hyphen", "pal-aestra.test"),
        ("like ours with a Cyrillic letter", "acme.p\u0430laestra.test"),
        ("the same in A-labels", "acme.xn--plaestra-16g.test"),
        ("like ours with a Latin letter of phonetics", "p\u0251laestra.test"),
        ("like ours with an accent", "p\u00e1laestra.test"),
        ("a null character", "acme\x00.example"),
    ],
)
def test_names_that_cannot_be_had(label: str, text: str, acme: Organization) -> None:
    with pytest.raises(DomainMalformed):
        claimed(acme, text)
    assert DomainClaim.objects.count() == 0


def test_looking_now_is_bounded_and_a_pause_later_it_is_done(acme: Organization, dns: FakeDns) -> None:
    claim = claimed(acme)
    check = partial(check_domain, actor=SYSTEM, organization_id=acme.id, claim_id=claim.id)
    check()
    with pytest.raises(DomainCheckedJustNow) as refused:
        check()
    assert refused.value.facts == {"retry_after_seconds": 10}
    assert dns.asked == [CHALLENGE]
    with clock.frozen_at(clock.now() + settings.DOMAIN_CHECK_PAUSE):
        check()
    assert dns.asked == [CHALLENGE] * 2


def test_the_job_looks_at_what_is_due_and_forgets_what_nobody_proves(
    acme: Organization, dns: FakeDns
) -> None:
    claim = claimed(acme)
    assert claims_to_check() == [claim.id]
    looked(claim)
    assert claims_to_check() == []
    now = clock.now()
    for later, due in (
        (timedelta(minutes=11), True),
        (timedelta(days=2), True),
        (settings.DOMAIN_CLAIM_LIFETIME + timedelta(hours=1), False),
    ):
        with clock.frozen_at(now + later):
            assert (claims_to_check() == [claim.id]) is due, later
    dns.texts[CHALLENGE] = [claim.token]
    looked(claim)
    with clock.frozen_at(now + timedelta(days=400)):
        assert claims_to_check() == [claim.id]  # a proven one is looked at for ever


@pytest.mark.feature("TEN-06")
def test_links_name_the_primary_domain_and_the_subdomain_again_without_it(
    acme: Organization, dns: FakeDns, capture: Any
) -> None:
    claim = claimed(acme)
    with pytest.raises(DomainNotProven):
        make_primary(actor=SYSTEM, organization_id=acme.id, claim_id=claim.id)
    dns.texts[CHALLENGE] = [claim.token]
    looked(claim)
    for _ in range(2):
        make_primary(actor=SYSTEM, organization_id=acme.id, claim_id=claim.id)
    assert primary_host(acme.id) == NAME
    assert actions_of(acme).count("domains.make_primary") == 1
    with capture():
        remove_domain(actor=SYSTEM, organization_id=acme.id, claim_id=claim.id)
    assert primary_host(acme.id) == "acme.palaestra.test"
    assert Caller(NAME).get("/api/v1/x").json()["code"] == "host_not_found"
    assert DomainClaim.objects.count() == 0


@pytest.mark.feature("TEN-06")
def test_a_proxy_gets_certificates_for_hosts_that_answer_and_for_no_other(
    acme: Organization, dns: FakeDns, capture: Any, django_assert_num_queries: Any
) -> None:
    claim = claimed(acme)

    def ask(domain: str, host: str = "app.palaestra.test") -> int:
        return Caller(host).get("/tls/ask", {"domain": domain}).status_code

    assert [ask("acme.palaestra.test"), ask("ACME.palaestra.test."), ask("app.palaestra.test")] == [200] * 3
    for nobody in (
        "",
        "nobody.palaestra.test",
        "admin.palaestra.test",
        NAME,
        "x" * 300,
        "a b",
        "127.0.0.1",
        "a\0b.de",
    ):
        assert ask(nobody) == 404, nobody
    dns.texts[CHALLENGE] = [claim.token]
    with capture():
        looked(claim)
    assert ask(NAME) == 200
    assert ask(NAME, host="127.0.0.1") == 200  # as a proxy on the same machine asks
    with django_assert_num_queries(0):
        assert ask(NAME) == 200
    with capture():
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid")
    assert ask(NAME) == 200  # its host says why it is closed
    assert Caller("app.palaestra.test").post("/tls/ask").status_code == 405


def test_the_signing_key_is_published(shared: None) -> None:
    published = Caller("app.palaestra.test").get("/.well-known/palaestra-keys.json")
    assert published.json() == {
        "keys": [{"id": key_id(public_key()), "algorithm": "ed25519", "public_key": public_key()}]
    }
    assert published["Cache-Control"] == "public, max-age=3600"
    assert Caller("acme.palaestra.test").get("/.well-known/palaestra-keys.json").status_code == 404
