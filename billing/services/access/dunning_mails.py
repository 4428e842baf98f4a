"""The mails of dunning: what is owed, what stops when, and where to settle it, in the reader's language."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from billing.models import DunningNotice, Subscription, SubscriptionInvoice
from billing.policies import SEAT_MANAGERS
from billing.selectors.access import no_new_seats_from, open_invoice
from billing.services.access.amounts import shown_amount
from shared_apps.accounts.selectors.owners import active_with_roles
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.links import public_url
from tenants.models import Organization
from tenants.selectors.hosts import primary_host

_FORMS = {"de": "%d.%m.%Y, %H:%M", "en": "%Y-%m-%d, %H:%M"}


def do_mail_stage(notice: DunningNotice, subscription: Subscription) -> None:
    """Mail one stage to owners, admins and billing admins. Needs the transaction that writes the notice."""
    organization = Organization.objects.get(id=subscription.organization_id)
    host = primary_host(organization.id)
    invoice = open_invoice(subscription)
    messages = [
        Message(
            MAIL_TOPIC,
            {
                "template": f"billing/{notice.stage}",
                "to": reader.email,
                "language": reader.language or organization.language,
                "context": {
                    "name": reader.get_full_name(),
                    "billing_url": public_url(host, settings.BILLING_PAGE),
                    **_facts(subscription, invoice, organization, reader.language or organization.language),
                },
            },
            # By the notice: a stage that is told again after a longer grace is another row.
            dedupe_key=f"dunning:{notice.id.hex}:{reader.id.hex}",
        )
        for reader in _readers(organization.id)
    ]
    do_send(messages, organization_id=organization.id)


def _readers(organization_id: uuid.UUID) -> list[Any]:
    return list(active_with_roles(organization_id=organization_id, roles=SEAT_MANAGERS))


def _facts(
    subscription: Subscription,
    invoice: SubscriptionInvoice | None,
    organization: Organization,
    language: str,
) -> dict[str, Any]:
    def moment(instant: datetime | None) -> str:
        return _shown_moment(instant, organization.timezone, language)

    ended = subscription.canceled_at
    kept = None if ended is None else ended + timedelta(days=settings.SEATS_KEPT_DAYS)
    return {
        "plan": subscription.plan.name,
        "seats": subscription.purchased,
        "amount": ""
        if invoice is None
        else shown_amount(invoice.due_minor - invoice.paid_minor, invoice.currency, language),
        "number": "" if invoice is None else invoice.number,
        "pay_url": "" if invoice is None else invoice.hosted_url,
        "no_seats_from": moment(no_new_seats_from(subscription)),
        "grace_until": moment(subscription.grace_until),
        "trial_ends_at": moment(subscription.trial_ends_at),
        "ends_at": moment(subscription.cancels_at),
        "seats_kept_until": moment(kept),
    }


def _shown_moment(instant: datetime | None, zone: str, language: str) -> str:
    """Return the instant in the organization's own time, with the zone's name; empty for none."""
    if instant is None:
        return ""
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = instant
    return f"{local:{_FORMS.get(language[:2], _FORMS['en'])}} {local.tzname()}"
