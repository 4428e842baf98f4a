"""Invitations by the thousand, as a roster makes them, and the mail they become."""

from email.message import EmailMessage
from typing import Any

import pytest
from django.db import transaction

from shared_apps.accounts.models import Invitation
from shared_apps.accounts.services.invitations import (
    Invitee,
    do_invite_owner,
    do_mail_invitations,
    do_make_invitations,
)
from shared_apps.accounts.tokens import hash_secret
from shared_apps.core.actors import Role, system_actor
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from tenants.models import Organization
from tests.shared_apps.outbox.mailbox import MailServer

ACTOR = system_actor("test")


def _people(count: int) -> list[Invitee]:
    return [Invitee(f"p{number}@acme.example", Role.LEARNER, None, f"P {number}") for number in range(count)]


def test_many_invitations_cost_few_statements(acme: Organization, django_assert_max_num_queries: Any) -> None:
    people = _people(2000)
    with django_assert_max_num_queries(10), transaction.atomic():  # batches of a thousand, savepoints
        made = do_make_invitations(organization_id=acme.id, invitees=people, invited_by=ACTOR)
        do_mail_invitations(acme, made, people)
    assert OutboxMessage.objects.count() == 2000
    tokens = {token for _, token in made}
    assert len(tokens) == 2000
    stored = {bytes(value) for value in Invitation.objects.values_list("token_hash", flat=True)}
    assert stored == {hash_secret(token) for token in tokens}


def test_inviting_again_leaves_one_open_each(acme: Organization) -> None:
    people = _people(3)
    for _ in range(2):
        with transaction.atomic():
            do_make_invitations(organization_id=acme.id, invitees=people, invited_by=ACTOR)
    assert Invitation.objects.filter(revoked_at__isnull=True).count() == 3
    assert Invitation.objects.filter(revoked_at__isnull=False).count() == 3


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


@pytest.mark.feature("NTF-02")
def test_the_mail_reads_well_in_the_persons_language(acme: Organization, mail_server: MailServer) -> None:
    people = [
        Invitee("ann@acme.example", Role.LEARNER, None, "Ann <Li>", "en"),
        Invitee("uwe@acme.example", Role.LEARNER, None, "Uwe", "de"),
    ]
    with transaction.atomic():
        made = do_make_invitations(organization_id=acme.id, invitees=people, invited_by=ACTOR)
        do_mail_invitations(acme, made, people)
    relay()
    english, german = mail_server.box.mails
    assert english["Subject"] == "Acme invites you"
    assert _text(english).startswith("Hello Ann <Li>,\n\nAcme invites you to its training.")
    assert f"?token={made[0][1]}\n" in _text(english)
    html = english.get_body(("html",))
    assert html is not None
    assert "Hello Ann &lt;Li&gt;" in html.get_content()
    assert german["Subject"] == "Einladung von Acme"
    assert "lädt Sie zur Schulung ein" in _text(german)
    for row in OutboxMessage.objects.all():
        assert row.payload == {"secret": True, "template": "accounts/invitation"}


def test_an_owner_invited_twice_has_one_live_link(acme: Organization) -> None:
    for _ in range(2):
        with transaction.atomic():
            do_invite_owner(acme, email="boss@acme.example", invited_by=ACTOR)
    first, second = Invitation.objects.order_by("id")
    assert (first.revoked_at is None, second.revoked_at is None) == (False, True)
    assert (second.role, second.membership_id) == ("owner", None)
