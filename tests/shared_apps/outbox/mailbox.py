"""A real SMTP server on loopback that keeps what it gets and refuses what it is told to refuse."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Handler of the server. `refusals` maps an address to the answer its RCPT gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.sessions: set[object] = set()
        self.refusals: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        parsed: Any = BytesParser(policy=default).parsebytes(content.replace(b"\r\n", b"\n"))
        self.mails.append(parsed)
        self.sessions.add(session.peer)
        return "250 kept"


class _OnFreePort(Controller):
    """Lets the system choose the port; the library's own start would then knock at port 0."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class MailServer:
    """A running server; `port` is where, `box` what came."""

    def __init__(self) -> None:
        self.box = Mailbox()
        self._controller = _OnFreePort(self.box, hostname="127.0.0.1", port=0)

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Return the port the system chose."""
        return int(self._controller.port)
