"""The mail catcher over its real SMTP and HTTP ports."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from demo.mailcatcher import MailCatcher, MailStore


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path, smtp_port=0, http_port=0) as running:
        yield running


def _send(catcher: MailCatcher, *, to: str, subject: str = "Hello", html: str = "") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "app@example.com", to, subject
    message.set_content(
        "Grüße: http://acme.localhost:8000/invite?token=abc&x=1.\n<b>not bold</b>", cte="8bit"
    )
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as client:
        client.send_message(message, mail_options=["BODY=8BITMIME"])


def _get(catcher: MailCatcher, path: str, **headers: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{catcher.http_port}{path}", headers=headers, timeout=60)


def test_mails_are_found_by_recipient_newest_first(catcher: MailCatcher) -> None:
    for to, subject in [("Ann@acme.com", "one"), ("bob@acme.com", "two"), ("ann@acme.com", "three")]:
        _send(catcher, to=to, subject=subject)

    found = _get(catcher, "/api/messages?to=ANN@").json()

    assert found["count"] == 2
    assert [(mail["subject"], mail["recipients"]) for mail in found["messages"]] == [
        ("three", ["ann@acme.com"]),
        ("one", ["ann@acme.com"]),
    ]
    assert found["messages"][0]["text"].startswith("Grüße: http://acme.localhost:8000/invite?token=abc&x=1.")
    assert _get(catcher, "/api/messages?to=%25").json()["count"] == 0


def test_pipelined_commands_are_taken(catcher: MailCatcher) -> None:
    with (
        socket.create_connection(("127.0.0.1", catcher.smtp_port)) as client,
        client.makefile("rb") as answers,
    ):
        answers.readline()
        client.sendall(b"EHLO client\r\n")
        features = []
        while (line := answers.readline())[3:4] == b"-":
            features.append(line[4:].strip())
        client.sendall(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<x@y.z>\r\nDATA\r\n")
        codes = [answers.readline()[:3] for _ in range(3)]
        client.sendall("Subject: piped\r\n\r\nü\r\n.\r\nQUIT\r\n".encode())
        codes += [answers.readline()[:3] for _ in range(2)]

    assert {b"PIPELINING", b"8BITMIME"} <= {*features, line[4:].strip()}
    assert codes == [b"250", b"250", b"354", b"250", b"221"]
    assert _get(catcher, "/api/messages/1").json()["text"] == "ü\r\n"


def test_content_of_a_mail_cannot_act_on_the_page(catcher: MailCatcher) -> None:
    _send(
        catcher,
        to="ann@acme.com",
        subject="<script>alert(1)</script>",
        html="<script>alert(2)</script><p>Hi</p>",
    )

    page, framed, listing = (
        _get(catcher, "/messages/1"),
        _get(catcher, "/messages/1/html"),
        _get(catcher, "/"),
    )

    assert "<script>" not in page.text + listing.text
    assert "&lt;b&gt;not bold&lt;/b&gt;" in page.text
    assert 'href="http://acme.localhost:8000/invite?token=abc&amp;x=1"' in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert framed.headers["Content-Security-Policy"].startswith("sandbox allow-popups ")
    assert "default-src 'none'" in framed.headers["Content-Security-Policy"]


def test_other_host_names_and_unknown_pages_are_refused(catcher: MailCatcher) -> None:
    assert _get(catcher, "/api/messages", Host="evil.example").status_code == 403
    assert _get(catcher, "/api/messages", Host="mail.localhost:8025").status_code == 200
    assert _get(catcher, "/messages/1").status_code == 404
    assert _get(catcher, "/messages/1e3").status_code == 404


def test_store_keeps_the_newest_over_a_restart(tmp_path: Path) -> None:
    store = MailStore(tmp_path, kept=3)
    for number in range(5):
        store.add(sender="a@b.c", recipients=["x@y.z"], content=f"Subject: {number}\n\nbody".encode())
    store.close()

    again = MailStore(tmp_path, kept=3)

    assert [mail.subject for mail in again.find()[1]] == ["4", "3", "2"]
    again.clear()
    assert again.find() == (0, [])
    again.close()
