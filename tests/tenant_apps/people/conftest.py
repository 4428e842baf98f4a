"""The mail server of the outbox's tests, for the mails people get."""

from tests.shared_apps.outbox.conftest import mail_server

__all__ = ["mail_server"]
