"""The mails of a sign-up. Once it is paid, its owner gets the invitation that every organization's gets."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from shared_apps.onboarding.models import SignUp
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.links import public_url

SIGN_UP_PATH = "/sign-up"


def page_of(row: SignUp, **query: str) -> str:
    """Return the address of the front end's page on which a sign-up goes on."""
    facts = {"id": str(row.id), **query}
    if settings.SIGN_UP_PAGE:
        return f"{settings.SIGN_UP_PAGE}?{urlencode(facts)}"
    return public_url(settings.PLATFORM_HOST, SIGN_UP_PATH, facts)


def do_mail_verification(row: SignUp, token: str) -> None:
    """Send the link that verifies the address."""
    context = {
        "name": row.owner_name,
        "company": row.name,
        "link": page_of(row, token=token),
        "token": token,
        "valid_hours": round(settings.SIGN_UP_UNVERIFIED.total_seconds() / 3600),
    }
    _do_mail(row, "onboarding/sign_up_verify", context, secret=True)


def do_mail_attention(row: SignUp) -> None:
    """Say that the payment is here and the subdomain is not, and that somebody looks after it."""
    _do_mail(
        row, "onboarding/sign_up_attention", {"name": row.owner_name, "company": row.name, "slug": row.slug}
    )


def do_mail_refunded(row: SignUp) -> None:
    """Say that the money goes back."""
    _do_mail(row, "onboarding/sign_up_refunded", {"name": row.owner_name, "company": row.name})


def _do_mail(row: SignUp, template: str, context: dict[str, Any], *, secret: bool = False) -> None:
    payload: dict[str, Any] = {
        "template": template,
        "to": row.email,
        "language": row.language,
        "context": context,
        "secret": secret,
    }
    do_send([Message(MAIL_TOPIC, payload, is_urgent=True)], organization_id=None)
