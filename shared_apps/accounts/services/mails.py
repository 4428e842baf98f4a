"""The mails of sign-in. Secret links are marked, so that the relay blanks the payload once it is sent."""

import uuid
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings

from shared_apps.accounts.models import User
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.links import public_url
from tenants.scope import OrganizationRef
from tenants.selectors.hosts import primary_host

VERIFY_PATH = "/verify-email"
RESET_PATH = "/reset-password"


def do_mail_verification(*, user: User, address: EmailAddress, organization: OrganizationRef | None) -> None:
    """Send the link that proves the address; its key is allauth's, signed, and lives three days."""
    key = EmailConfirmationHMAC.create(address).key
    link = public_url(_host(organization), VERIFY_PATH, {"key": key})
    context = {
        "name": user.get_full_name(),
        "link": link,
        "key": key,
        "valid_days": settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS,
    }
    _do_mail("accounts/verify_email", user.email, user.language, organization, context, secret=True)


def do_mail_account_exists(*, user: User, organization: OrganizationRef | None) -> None:
    """Tell the owner that somebody tried to register with this address again."""
    _do_mail(
        "accounts/account_exists",
        user.email,
        user.language,
        organization,
        {"name": user.get_full_name(), "link": public_url(_host(organization), RESET_PATH)},
    )


def do_mail_unknown_account(*, email: str, language: str, organization: OrganizationRef | None) -> None:
    """Tell the address that there is no account: somebody who mistook the address learns it, a stranger who
    asks over the API does not."""
    _do_mail("accounts/unknown_account", email, language, organization, {"host": _host(organization)})


def do_mail_password_reset(*, user: User, organization: OrganizationRef | None) -> None:
    """Send the link for a new password; its token is void after any password or address change."""
    token = default_token_generator.make_token(user)
    link = public_url(_host(organization), RESET_PATH, {"uid": user.id.hex, "token": token})
    context = {"name": user.get_full_name(), "link": link, "uid": user.id.hex, "token": token}
    _do_mail("accounts/reset_password", user.email, user.language, organization, context, secret=True)


def do_mail_password_changed(*, user: User, organization: OrganizationRef | None) -> None:
    """Tell the owner, who may not have been the one."""
    link = public_url(_host(organization), RESET_PATH)
    context = {"name": user.get_full_name(), "link": link}
    _do_mail("accounts/password_changed", user.email, user.language, organization, context)


def _do_mail(
    template: str,
    to: str,
    language: str,
    organization: OrganizationRef | None,
    context: dict[str, Any],
    *,
    secret: bool = False,
) -> None:
    payload: dict[str, Any] = {
        "template": template,
        "to": to,
        "language": language,
        "context": context,
    }
    if secret:
        payload["secret"] = True
    organization_id: uuid.UUID | None = organization.id if organization else None
    do_send([Message(MAIL_TOPIC, payload, is_urgent=True)], organization_id=organization_id)


def _host(organization: OrganizationRef | None) -> str:
    return primary_host(organization.id) if organization else settings.PLATFORM_HOST
