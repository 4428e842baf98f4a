"""Mail: a message of topic "mail.send" becomes a rendered e-mail, handed to the SMTP server.

The payload: `template` ("accounts/verify_email"), `to`, `context` (JSON values for the templates), optional
`language`, and `"secret": true` when the context holds a link nobody else may read later.
"""

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formataddr, parseaddr
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import BadHeaderError
from django.template import Context, TemplateDoesNotExist
from django.template.backends.django import Template
from django.template.loader import select_template
from django.utils import translation

from shared_apps.outbox.types import Deliver, Outgoing, Undeliverable

log = structlog.get_logger(__name__)

MAIL_TOPIC = "mail.send"
_DEFAULT_COLOR = "#3b4cca"
_COLOR = re.compile(r"^#[0-9a-fA-F]{6}$")


class Rendered(NamedTuple):
    """The parts of one mail."""

    subject: str
    text: str
    html: str | None


@contextmanager
def open_mail() -> Iterator[Deliver]:
    """Give a function that sends one message; all of a batch go over one SMTP connection."""
    outbound = _Outbound(get_connection())
    try:
        yield outbound.send
    finally:
        outbound.close()


class _Outbound:
    """One SMTP connection, opened for the first mail and again when the server dropped it."""

    def __init__(self, connection: BaseEmailBackend) -> None:
        self._connection = connection
        self._down: Exception | None = None

    def send(self, message: Outgoing) -> None:
        """Render and send.

        Raises:
            Undeliverable: the templates, the address or the server's final answer rule every repeat out.
            Exception: the server could not be reached, or said to try later.
        """
        email = build_email(message)
        if self._down is not None:
            # One time-out is enough for a batch; the other messages wait for their next try.
            raise ConnectionError("the mail server was not reached before in this batch") from self._down
        try:
            self._send_once(email)
        except smtplib.SMTPServerDisconnected:
            self.close()
            self._send_once(email)

    def _send_once(self, email: EmailMultiAlternatives) -> None:
        try:
            self._connection.open()
        except OSError as error:
            self._down = error
            raise
        try:
            self._connection.send_messages([email])
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            _raise_if_final(code, answer, error)
            raise
        except smtplib.SMTPDataError as error:
            _raise_if_final(error.smtp_code, error.smtp_error, error)
            raise
        except BadHeaderError as error:
            raise Undeliverable("a header holds a line break") from error

    def close(self) -> None:
        try:
            self._connection.close()
        except OSError as error:  # SMTP's own errors are OSErrors too
            log.info("smtp_close_failed", error=str(error))


def _raise_if_final(code: int, answer: bytes | str, error: Exception) -> None:
    if 500 <= code < 600:
        said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        raise Undeliverable(f"refused with {code}: {said}") from error


def build_email(message: Outgoing) -> EmailMultiAlternatives:
    """Return the e-mail of a message, with a Message-ID that is the same at every repeat.

    Raises:
        Undeliverable: the payload names no recipient or no template that exists.
    """
    to = str(message.payload.get("to", ""))
    if not to:
        raise Undeliverable("no recipient")
    rendered = render_mail(message)
    email = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        from_email=_sender(message),
        to=[to],
        headers={
            "Message-ID": f"<outbox-{message.id}-{int(message.created_at.timestamp())}"
            f"@{settings.PLATFORM_BASE_DOMAIN}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    if rendered.html is not None:
        email.attach_alternative(rendered.html, "text/html")
    return email


def render_mail(message: Outgoing) -> Rendered:
    """Render `mail/<template>.subject.txt`, `.txt` and, if there is one, `.html`, in the reader's language.

    `<template>.de.txt` is taken before `<template>.txt` for a German reader.

    Raises:
        Undeliverable: subject or text template does not exist.
    """
    name = str(message.payload.get("template", ""))
    language = str(message.payload.get("language") or _language(message))
    context = {**message.payload.get("context", {}), **_house(message), "language": language}
    with translation.override(language):
        try:
            subject = _text(_template(name, language, "subject.txt"), context)
            text = _text(_template(name, language, "txt"), context)
        except TemplateDoesNotExist as error:
            raise Undeliverable(f"no template {error}") from error
        try:
            html = str(_template(name, language, "html").render(context))
        except TemplateDoesNotExist:
            html = None
    return Rendered(" ".join(subject.split()), text.strip() + "\n", html)


def _template(name: str, language: str, ending: str) -> Any:
    return select_template(
        [f"mail/{name}.{language}.{ending}", f"mail/{name}.{language[:2]}.{ending}", f"mail/{name}.{ending}"]
    )


def _text(template: Template, context: dict[str, Any]) -> str:
    """Render without HTML escaping: a plain text mail with `&amp;` in its links would be broken."""
    return str(template.template.render(Context(context, autoescape=False)))


def _language(message: Outgoing) -> str:
    return message.organization.language if message.organization else settings.LANGUAGE_CODE


def _house(message: Outgoing) -> dict[str, Any]:
    """Whose mail it is: the organization with its colour, or the platform."""
    organization = message.organization
    branding = organization.branding if organization else {}
    color = str(branding.get("primary_color", ""))
    return {
        "house": organization.name if organization else "Palaestra",
        "color": color if _COLOR.match(color) else _DEFAULT_COLOR,
    }


def _sender(message: Outgoing) -> str:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if message.organization is None:
        return settings.DEFAULT_FROM_EMAIL
    house = " ".join(message.organization.name.split())
    return formataddr((f"{house} via {name}" if name else house, address))
