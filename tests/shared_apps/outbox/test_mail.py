"""Mail over real SMTP: rendered, sent over one connection, repeated or given up as the server says."""

import socket
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import transaction

from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from shared_apps.outbox.services.messages import Message, do_send
from tenants.models import Organization
from tests.shared_apps.outbox.mailbox import MailServer


@pytest.fixture(autouse=True)
def _templates(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "mail" / "test"
    folder.mkdir(parents=True)
    (folder / "hello.subject.txt").write_text("Hello\n{{ name }}")
    (folder / "hello.txt").write_text("Dear {{ name }},\n{{ link }}\n{{ house }}")
    (folder / "hello.de.txt").write_text("Liebe {{ name }}")
    (folder / "hello.html").write_text(
        "{% extends 'mail/base.html' %}{% block body %}<p>Dear {{ name }}</p>{% endblock %}"
    )
    (folder / "plain.subject.txt").write_text("Plain")
    (folder / "plain.txt").write_text("Only text")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]


def _queue(
    to: str, template: str = "test/hello", organization: Organization | None = None, **more: Any
) -> None:
    payload = {
        "template": template,
        "to": to,
        "context": {"name": "Ann & <Bo>", "link": "http://acme.test/?a=1&b=2"},
        **more,
    }
    with transaction.atomic():
        do_send([Message("mail.send", payload)], organization_id=organization.id if organization else None)


@pytest.mark.feature("NTF-02")
def test_a_mail_has_both_forms_and_the_organizations_look(
    acme: Organization, mail_server: MailServer
) -> None:
    Organization.objects.filter(pk=acme.pk).update(branding={"primary_color": "#aa0011"})
    _queue("ann@acme.example", organization=acme)
    relay()
    [sent] = mail_server.box.mails
    assert sent["To"] == "ann@acme.example"
    assert sent["From"] == "Acme via Palaestra <no-reply@palaestra.example>"
    assert sent["Subject"] == "Hello Ann & <Bo>"
    text = sent.get_body(("plain",))
    html = sent.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content() == "Dear Ann & <Bo>,\nhttp://acme.test/?a=1&b=2\nAcme\n"
    assert "<p>Dear Ann &amp; &lt;Bo&gt;</p>" in html.get_content()
    assert 'href="http://acme.test/?a=1&amp;b=2"' in html.get_content()
    assert "background:#aa0011" in html.get_content()


def test_a_branding_that_is_no_colour_does_not_reach_the_mail(
    acme: Organization, mail_server: MailServer
) -> None:
    Organization.objects.filter(pk=acme.pk).update(branding={"primary_color": "red;}</style><b>"})
    _queue("ann@acme.example", organization=acme)
    relay()
    html = mail_server.box.mails[0].get_body(("html",))
    assert html is not None
    assert "</style>" not in html.get_content()


def test_text_alone_is_enough_and_the_language_chooses_the_template(
    shared: None, mail_server: MailServer
) -> None:
    _queue("ann@acme.example", "test/plain")
    _queue("ann@acme.example", language="de-AT")
    relay()
    plain, german = mail_server.box.mails
    assert plain.get_content_type() == "text/plain"
    assert plain.get_content() == "Only text\n"
    body = german.get_body(("plain",))
    assert body is not None
    assert body.get_content() == "Liebe Ann & <Bo>\n"


def test_a_batch_shares_one_connection_and_ids_repeat_with_the_message(
    shared: None, mail_server: MailServer
) -> None:
    for number in range(5):
        _queue(f"p{number}@acme.example")
    relay()
    OutboxMessage.objects.update(delivered_at=None, available_at="2026-01-01T00:00:00Z")
    assert len(mail_server.box.sessions) == 1
    relay()
    ids = [sent["Message-ID"] for sent in mail_server.box.mails]
    assert len(ids) == 10
    assert ids[:5] == ids[5:]
    assert len(set(ids)) == 5


def test_a_refused_address_is_given_up_a_full_mailbox_is_tried_again(
    shared: None, mail_server: MailServer
) -> None:
    mail_server.box.refusals = {
        "gone@acme.example": "550 no such user",
        "full@acme.example": "452 mailbox full",
    }
    for name in ("gone", "full", "fine"):
        _queue(f"{name}@acme.example")
    relay()
    gone, full, fine = OutboxMessage.objects.all()
    assert gone.given_up_at is not None
    assert gone.last_error == "Undeliverable: refused with 550: no such user"
    assert (full.given_up_at, full.delivered_at) == (None, None)
    assert fine.delivered_at is not None
    assert [sent["To"] for sent in mail_server.box.mails] == ["fine@acme.example"]


@pytest.mark.feature("OPS-02")
def test_with_the_server_down_mail_waits_and_goes_out_when_it_is_back(
    shared: None, mail_server: MailServer, settings: Any
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refused
        settings.EMAIL_PORT = unused.getsockname()[1]
        _queue("ann@acme.example")
        _queue("bob@acme.example")
        relay()
    for row in OutboxMessage.objects.all():
        assert (row.delivered_at, row.given_up_at, row.attempts) == (None, None, 1)
    settings.EMAIL_PORT = mail_server.port
    OutboxMessage.objects.update(available_at="2026-01-01T00:00:00Z")
    relay()
    assert [sent["To"] for sent in mail_server.box.mails] == ["ann@acme.example", "bob@acme.example"]


def test_a_secret_leaves_the_table_once_the_mail_is_sent(shared: None, mail_server: MailServer) -> None:
    _queue("ann@acme.example", secret=True)
    assert OutboxMessage.objects.get().payload["context"]["link"] == "http://acme.test/?a=1&b=2"
    relay()
    assert OutboxMessage.objects.get().payload == {"secret": True, "template": "test/hello"}
    assert len(mail_server.box.mails) == 1


def test_an_unknown_template_is_given_up(shared: None, mail_server: MailServer) -> None:
    _queue("ann@acme.example", "test/missing")
    relay()
    assert OutboxMessage.objects.get().given_up_at is not None
    assert django_mail.outbox == []
