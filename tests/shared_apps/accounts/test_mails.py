"""Every mail of sign-in renders, in English and German, with its link whole and strange names harmless."""

from typing import Any

import pytest
from django.db import transaction

from shared_apps.accounts.services import mails as services
from shared_apps.accounts.services.emails import do_add_unproved_email
from shared_apps.core import clock
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import Rendered, render_mail
from shared_apps.outbox.types import Outgoing
from tenants.models import Organization
from tests.support.people import with_password


def _rendered(organization: Organization) -> dict[str, tuple[Rendered, dict[str, Any]]]:
    found = {}
    for row in OutboxMessage.objects.filter(topic="mail.send").order_by("id"):
        outgoing = Outgoing(row.id, row.topic, row.payload, clock.now(), 1, organization.id, organization)
        found[row.payload["template"]] = (render_mail(outgoing), row.payload["context"])
    return found


@pytest.mark.parametrize(
    ("language", "subjects"),
    [
        (
            "en",
            [
                "Confirm your e-mail address",
                "You already have an account",
                "No account with this address",
                "Set a new password",
                "Your password was changed",
            ],
        ),
        (
            "de",
            [
                "Bitte bestätigen Sie Ihre E-Mail-Adresse",
                "Sie haben bereits ein Konto",
                "Kein Konto mit dieser Adresse",
                "Neues Passwort setzen",
                "Ihr Passwort wurde geändert",
            ],
        ),
    ],
)
def test_every_mail_renders(acme: Organization, language: str, subjects: list[str]) -> None:
    user = with_password("nina@example.org", name="<b>Nina</b> & Co", language=language)
    here = acme.ref()
    with transaction.atomic():
        address = do_add_unproved_email(user)
        services.do_mail_verification(user=user, address=address, organization=here)
        services.do_mail_account_exists(user=user, organization=here)
        services.do_mail_unknown_account(email=user.email, language=language, organization=here)
        services.do_mail_password_reset(user=user, organization=here)
        services.do_mail_password_changed(user=user, organization=here)
    found = _rendered(acme)
    assert [mail.subject for mail, _ in found.values()] == subjects
    for template, (mail, context) in found.items():
        assert mail.html is not None, template
        assert "<b>Nina" not in mail.html, template
        assert "{{" not in mail.text + mail.html, template
        if "link" in context:
            assert context["link"] in mail.text, template
            assert context["link"].replace("&", "&amp;") in mail.html, template


def test_the_verification_mail_carries_no_word_of_whoever_registered(acme: Organization) -> None:
    user = with_password("nina@example.org", name="Win at https://evil.example")
    with transaction.atomic():
        address = do_add_unproved_email(user)
        services.do_mail_verification(user=user, address=address, organization=None)
    mail, _ = _rendered(acme)["accounts/verify_email"]
    assert "evil.example" not in mail.text + str(mail.html)
