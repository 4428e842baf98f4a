"""Custom domains: claim one, prove it by DNS, choose it, give it up; and look again whether the proof stands.

DNS is asked between two transactions, never inside one.
"""

import secrets
import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings

from billing.entitlements import CUSTOM_DOMAINS
from billing.selectors.entitlements import require_feature
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, system_actor
from shared_apps.core.errors import Conflict, NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.enums import UNKNOWN_PROBLEMS, DomainProblem
from shared_apps.onboarding.errors import DomainCheckedJustNow, DomainNotProven, TooManyDomains
from shared_apps.onboarding.gateways.dns import Texts, look_up_texts
from shared_apps.onboarding.parsing import parse_domain
from shared_apps.onboarding.policies import DOMAINS_MANAGE
from shared_apps.onboarding.selectors.domains import challenge_name
from shared_apps.onboarding.services.domain_mails import do_mail_domain_stopped, do_mail_proof_lost
from tenants.context import in_public
from tenants.enums import DomainKind, OrganizationState
from tenants.models import Domain, DomainClaim, Organization
from tenants.services.domains import (
    do_add_domain,
    do_end_at,
    do_lock_domain,
    do_make_primary,
    do_remove_domain,
    do_take_over,
)
from tenants.services.organizations import get_locked
from tenants.services.renaming import do_drop_retired_hosts

log = structlog.get_logger(__name__)

MOST_DOMAINS = 20
_JOB = system_actor("onboarding.check_domains")
_ENDING = (OrganizationState.CLOSING, OrganizationState.DELETING, OrganizationState.DELETED)


def claim_domain(*, actor: Actor, organization_id: uuid.UUID, domain: str) -> DomainClaim:
    """Say that a domain is the organization's; it serves nothing before DNS proves it. Safe to repeat.

    Raises:
        NotFound: there is no such organization.
        DomainMalformed: see `parse_domain`.
        NotInPlan: its plan has no domains of one's own; those it has go on.
        TooManyDomains: it has 20.
        Conflict: the organization is on its way out.
    """
    name = parse_domain(domain)
    with in_public(), entry_transaction():
        organization = _checked(actor, organization_id)
        claims = DomainClaim.objects.filter(organization=organization)
        found = claims.filter(domain=name).first()
        if found is not None:
            return found
        require_feature(organization_id, CUSTOM_DOMAINS)
        if claims.count() >= MOST_DOMAINS:
            raise TooManyDomains(most=MOST_DOMAINS)
        claim = DomainClaim.objects.create(
            organization=organization, domain=name, token=secrets.token_hex(20)
        )
        _record(actor, "domains.claim", claim)
    return claim


def check_domain(*, actor: Actor, organization_id: uuid.UUID, claim_id: uuid.UUID) -> None:
    """Look up the domain's records now, and let it serve, or say what is wrong with it.

    Raises:
        NotFound: the organization has no such domain.
        DomainCheckedJustNow: less than DOMAIN_CHECK_PAUSE ago.
    """
    with in_public():
        with entry_transaction():
            _checked(actor, organization_id)
            claim = _locked(claim_id, organization_id)
            _reserve_look(claim, settings.DOMAIN_CHECK_PAUSE)
        texts = look_up_texts(challenge_name(claim.domain))
        _settle(actor, claim, texts)


def recheck_domain(*, claim_id: uuid.UUID) -> None:
    """Look again whether a domain's proof stands; the job does it for all that are due."""
    claim = DomainClaim.objects.filter(id=claim_id).first()
    if claim is None:
        return
    texts = look_up_texts(challenge_name(claim.domain))
    _settle(_JOB, claim, texts)


def make_primary(*, actor: Actor, organization_id: uuid.UUID, claim_id: uuid.UUID) -> None:
    """Let links and mails name this domain. The subdomain goes on answering.

    Raises:
        NotFound: the organization has no such domain.
        DomainNotProven: it does not serve yet, or no longer.
    """
    with in_public(), entry_transaction():
        organization = _checked(actor, organization_id)
        claim = _locked(claim_id, organization_id)
        domain = do_lock_domain(claim.domain)
        if domain is None or domain.tenant_id != organization_id or domain.retires_at is not None:
            raise DomainNotProven(domain=claim.domain)
        if not domain.is_primary:
            do_make_primary(organization, claim.domain)
            _record(actor, "domains.make_primary", claim)


def remove_domain(*, actor: Actor, organization_id: uuid.UUID, claim_id: uuid.UUID) -> None:
    """Give a domain up: it stops at once, and where it was the primary host the subdomain is again.

    Raises:
        NotFound: the organization has no such domain.
    """
    with in_public(), entry_transaction():
        _checked(actor, organization_id)
        claim = _locked(claim_id, organization_id)
        domain = do_lock_domain(claim.domain)
        if domain is not None and domain.tenant_id == organization_id:
            do_remove_domain(domain)
        _record(actor, "domains.remove", claim)
        claim.delete()


def retire_domains() -> int:
    """End the custom domains that outlived their proof by the whole grace; return how many. The hosts of
    former subdomains whose time is over go too."""
    with entry_transaction():
        do_drop_retired_hosts()
        over = Domain.objects.select_for_update(of=("self",)).filter(
            kind=DomainKind.CUSTOM, retires_at__lte=clock.now()
        )
        ended = list(over)
        for domain in ended:
            claim = DomainClaim.objects.filter(organization_id=domain.tenant_id, domain=domain.domain).first()
            do_remove_domain(domain)
            if claim is not None:
                claim.proven_at = None
                claim.save_fields("proven_at")
                _record(_JOB, "domains.end", claim, problem=claim.problem)
                do_mail_domain_stopped(claim)
    return len(ended)


def _settle(actor: Actor, seen: DomainClaim, texts: Texts) -> None:
    """Write down what DNS said of a claim, and let its host follow."""
    with entry_transaction():
        organization = get_locked(seen.organization_id)
        claim = DomainClaim.objects.select_for_update().filter(id=seen.id).first()
        if claim is None or organization.state in _ENDING:  # given up while DNS was asked
            return
        claim.checked_at = clock.now()
        if claim.token in texts.values:
            problem = _prove(actor, organization, claim, texts)
        else:
            problem = texts.problem or DomainProblem.WRONG
            if problem not in UNKNOWN_PROBLEMS:
                _doubt(claim, problem)
        claim.problem = problem or ""
        claim.save_fields("checked_at", "problem", "proven_at")


def _prove(
    actor: Actor, organization: Organization, claim: DomainClaim, texts: Texts
) -> DomainProblem | None:
    """Give the organization the host; return what stands against it."""
    domain = do_lock_domain(claim.domain)
    if domain is None:
        if not do_add_domain(organization, claim.domain):
            return DomainProblem.IN_USE
    elif domain.tenant_id != organization.id:
        if domain.kind != DomainKind.CUSTOM or _is_still_proven(domain, texts):
            return DomainProblem.IN_USE
        _take_over(actor, organization, domain)
    elif domain.retires_at is not None:
        do_end_at(domain, None)
        _record(actor, "domains.proof_back", claim)
    if claim.proven_at is None:
        claim.proven_at = clock.now()
        _record(actor, "domains.prove", claim)
    return None


def _is_still_proven(domain: Domain, texts: Texts) -> bool:
    """Tell whether the organization that has the domain stands in its DNS too; then it keeps it."""
    tokens = DomainClaim.objects.filter(organization_id=domain.tenant_id, domain=domain.domain)
    return bool(texts.values & set(tokens.values_list("token", flat=True)))


def _take_over(actor: Actor, organization: Organization, domain: Domain) -> None:
    """The name changed hands: its DNS names the new owner and no longer the old. Both logs say so; the old
    organization is not told whose it is now."""
    former = do_take_over(domain, organization)
    lost = DomainClaim.objects.filter(organization_id=former, domain=domain.domain).first()
    if lost is not None:
        lost.proven_at, lost.problem = None, DomainProblem.WRONG
        lost.save_fields("proven_at", "problem")
        _record(_JOB, "domains.lost", lost)
        do_mail_domain_stopped(lost)
    log.warning("domain_moved", domain=domain.domain, former=str(former), organization=str(organization.id))


def _doubt(claim: DomainClaim, problem: DomainProblem) -> None:
    """The record is gone: the domain goes on for the grace, so that a slip in DNS shuts nobody out."""
    domain = do_lock_domain(claim.domain)
    if domain is None or domain.tenant_id != claim.organization_id or domain.retires_at is not None:
        return
    stops_at = clock.now() + settings.DOMAIN_GRACE
    do_end_at(domain, stops_at)
    log.warning("domain_proof_lost", domain=claim.domain, problem=problem)
    _record(_JOB, "domains.proof_lost", claim, problem=problem, stops_at=stops_at.isoformat())
    do_mail_proof_lost(claim, stops_at=stops_at)


def _checked(actor: Actor, organization_id: uuid.UUID) -> Organization:
    require(actor, DOMAINS_MANAGE)
    if actor.kind is ActorKind.MEMBER and actor.organization_id != organization_id:
        raise NotFound(organization=str(organization_id))
    organization = get_locked(organization_id)
    if organization.state in _ENDING:
        raise Conflict(state=organization.state)
    return organization


def _locked(claim_id: uuid.UUID, organization_id: uuid.UUID) -> DomainClaim:
    found = (
        DomainClaim.objects.select_for_update().filter(id=claim_id, organization_id=organization_id).first()
    )
    if found is None:
        raise NotFound(domain=str(claim_id))
    return found


def _reserve_look(claim: DomainClaim, pause: timedelta) -> None:
    now = clock.now()
    if claim.checked_at is not None and now - claim.checked_at < pause:
        rest = pause - (now - claim.checked_at)
        raise DomainCheckedJustNow(retry_after_seconds=max(1, round(rest.total_seconds())))
    claim.checked_at = now
    claim.save_fields("checked_at")


def _record(actor: Actor, action: str, claim: DomainClaim, **facts: Any) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=claim.organization_id,
        target=claim,
        changes={"domain": claim.domain, **facts},
    )
