"""A mail server that the product sends to, over real SMTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.shared_apps.outbox.mailbox import MailServer


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """Start a server and point the settings at it."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        yield server
