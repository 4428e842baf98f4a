"""People who can sign in with a password, and what was mailed to them."""

from typing import Any

from django.db import transaction

from shared_apps.accounts.models import User
from shared_apps.accounts.services.emails import do_prove_email
from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_public

PASSWORD = "quiet-harbour-42-lantern"
NEXT_PASSWORD = "other-harbour-43-lantern"


def with_password(email: str, *, password: str = PASSWORD, proved: bool = True, **fields: Any) -> User:
    """Give the user of that address a password, making the user if there is none."""
    with in_public(), transaction.atomic():
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, **fields)
        user.set_password(password)
        user.save_fields("password")
        if proved:
            do_prove_email(user, keeps_password=True)
    return user


def mails(to: str | None = None) -> list[dict[str, Any]]:
    """Return the payloads of the mails queued so far, oldest first."""
    with in_public():
        found = OutboxMessage.objects.filter(topic="mail.send").order_by("id")
        payloads = [message.payload for message in found]
    return [payload for payload in payloads if to is None or payload["to"] == to]
