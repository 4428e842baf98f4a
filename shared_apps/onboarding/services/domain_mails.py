"""Tell an organization's owners what becomes of their domain: nobody looks at DNS before people complain."""

from datetime import datetime
from typing import Any

from shared_apps.accounts.selectors.owners import active_owners
from shared_apps.core import clock
from shared_apps.onboarding.selectors.domains import challenge_name
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.models import DomainClaim
from tenants.selectors.hosts import primary_host


def do_mail_proof_lost(claim: DomainClaim, *, stops_at: datetime) -> None:
    """Say that the record is gone, how it read, and when the domain stops; once for each loss."""
    _do_mail("domain_proof_lost", claim, stops_at, {"stops_at": _instant(stops_at)})


def do_mail_domain_stopped(claim: DomainClaim) -> None:
    """Say that the domain answers no more, and where the organization is."""
    context = {"host": primary_host(claim.organization_id)}
    _do_mail("domain_stopped", claim, clock.now(), context)


def _do_mail(template: str, claim: DomainClaim, instant: datetime, facts: dict[str, Any]) -> None:
    record = {"record": challenge_name(claim.domain), "value": claim.token}
    messages = [
        Message(
            MAIL_TOPIC,
            {
                "template": f"onboarding/{template}",
                "to": owner.email,
                "language": owner.language,
                "context": {"name": owner.get_full_name(), "domain": claim.domain, **record, **facts},
            },
            dedupe_key=f"{template}:{claim.id.hex}:{int(instant.timestamp())}:{owner.id.hex}",
        )
        for owner in active_owners(organization_id=claim.organization_id)
    ]
    do_send(messages, organization_id=claim.organization_id)


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
