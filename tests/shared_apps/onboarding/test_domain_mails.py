"""Owners are told when their domain's proof is lost, and again when the domain stops; each once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import User
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.onboarding.selectors.domains import challenge_name
from shared_apps.onboarding.services.domains import claim_domain, recheck_domain, retire_domains
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from tenants.context import in_public
from tenants.models import Domain, DomainClaim, Organization
from tests.fakes.dns import FakeDns

SYSTEM = system_actor("test")
NAME = "learn.acme.example"


@pytest.fixture
def proven(acme: Organization, dns: FakeDns) -> DomainClaim:
    """A domain of Acme that serves."""
    claim = claim_domain(actor=SYSTEM, organization_id=acme.id, domain=NAME)
    dns.texts[challenge_name(NAME)] = [claim.token]
    recheck_domain(claim_id=claim.id)
    return claim


def _sent() -> list[tuple[str, str]]:
    """Return template and recipient of what was put into the outbox, and of whom it is."""
    rows = OutboxMessage.objects.filter(payload__template__startswith="onboarding/").order_by("id")
    return [(row.payload["template"].split("/")[1], row.payload["to"]) for row in rows]


@pytest.mark.feature("TEN-06")
def test_owners_hear_of_the_loss_and_of_the_end_once(
    acme: Organization, proven: DomainClaim, dns: FakeDns, member: Callable[..., Any]
) -> None:
    # given a second owner, one who was shut out, and an admin
    second = member(acme, Role.OWNER)
    User.objects.filter(pk=second.user_id).update(language="de", name="Berta")
    member(acme, Role.OWNER, status=MembershipStatus.SUSPENDED)
    member(acme, Role.ADMIN)
    assert _sent() == []
    # when the record is gone, and looked for again and again
    del dns.texts[challenge_name(NAME)]
    for _ in range(3):
        recheck_domain(claim_id=proven.id)
    # then each owner has one mail, before the domain stops
    owners = ["owner@acme.example", second.user.email]
    assert _sent() == [("domain_proof_lost", owner) for owner in owners]
    with in_public():
        assert retire_domains() == 0
    # when the grace is over
    end = Domain.objects.get(domain=NAME).retires_at
    assert end is not None
    with clock.frozen_at(end + timedelta(minutes=1)), in_public():
        assert retire_domains() == 1
        assert retire_domains() == 0
        relay()
    # then they hear that too
    assert _sent()[2:] == [("domain_stopped", owner) for owner in owners]
    assert set(OutboxMessage.objects.values_list("organization_id", flat=True)) == {acme.id}
    # and what they read says what to do
    letters = {(each.to[0], each.subject): each.body for each in mail.outbox}
    lost = letters["owner@acme.example", f"The DNS record of {NAME} is gone"]
    assert all(part in lost for part in (challenge_name(NAME), proven.token, f"{end:%Y-%m-%d %H:%M} UTC"))
    assert "Guten Tag Berta" in letters[second.user.email, f"Der DNS-Eintrag von {NAME} fehlt"]
    stopped = letters["owner@acme.example", f"{NAME} no longer leads to Acme"]
    assert "acme.palaestra.test" in stopped
    assert f"{NAME} führt nicht mehr zu Acme" in {subject for _, subject in letters}


def test_a_record_that_is_lost_a_second_time_is_told_a_second_time(
    acme: Organization, proven: DomainClaim, dns: FakeDns
) -> None:
    for day in range(2):
        with clock.frozen_at(clock.now() + timedelta(days=day)):
            dns.texts[challenge_name(NAME)] = []
            recheck_domain(claim_id=proven.id)
            dns.texts[challenge_name(NAME)] = [proven.token]
            recheck_domain(claim_id=proven.id)
    assert _sent() == [("domain_proof_lost", "owner@acme.example")] * 2


def test_dns_that_cannot_be_asked_frightens_nobody(
    acme: Organization, proven: DomainClaim, dns: FakeDns
) -> None:
    dns.failures[challenge_name(NAME)] = "servfail"
    recheck_domain(claim_id=proven.id)
    assert _sent() == []


def test_who_loses_the_domain_to_another_hears_that_it_stopped_and_not_whose_it_is(
    acme: Organization, globex: Organization, proven: DomainClaim, dns: FakeDns
) -> None:
    other = claim_domain(actor=SYSTEM, organization_id=globex.id, domain=NAME)
    dns.texts[challenge_name(NAME)] = [other.token]
    recheck_domain(claim_id=other.id)
    assert _sent() == [("domain_stopped", "owner@acme.example")]
    payload = str(OutboxMessage.objects.get(payload__template="onboarding/domain_stopped").payload)
    assert "lobex" not in payload
    assert other.token not in payload
