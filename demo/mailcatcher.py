"""An SMTP server that delivers nothing: it keeps the last mails and shows them on a local page.

    python -m demo.mailcatcher --smtp-port 1025 --http-port 8025 --data-dir .palaestra/mail

Only loopback is served. The page answers only to local host names, so a web site cannot read the mails (which
contain invitation links) by pointing its own name at 127.0.0.1.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import re
import signal
import sqlite3
import sys
import threading
import time
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config.embedded_processes import choose_port
from demo.mail_pages import framed_html, list_page, message_page, sign_up_page

_KEPT = 5_000
_LARGEST_MAIL_BYTES = 32 * 1024 * 1024
_LOCAL_HOST = re.compile(r"(localhost|[\w.-]+\.localhost|127\.0\.0\.1)(:\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Mail:
    """One caught mail. `received` is seconds since 1970; `recipients` are those of the envelope, Bcc
    included."""

    id: int
    received: float
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str


class MailStore:
    """The last mails, newest first, in one SQLite file that outlives a restart."""

    def __init__(self, folder: Path, *, kept: int = _KEPT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = kept
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            folder / "mails.sqlite3", check_same_thread=False, isolation_level=None
        )
        # Nobody would miss these mails after a power cut, and a bulk of invitations comes in quickly.
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
            "CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY AUTOINCREMENT, received REAL,"
            " sender TEXT, recipients TEXT, subject TEXT, text TEXT, html TEXT)"
        )

    def add(self, *, sender: str, recipients: list[str], content: bytes) -> int:
        """Keep one mail and answer its number; the oldest beyond the limit is dropped."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        row = (
            time.time(),
            sender,
            json.dumps([address.lower() for address in recipients]),
            _subject(message),
            _part(message, "plain"),
            _part(message, "html"),
        )
        with self._lock:
            cursor = self._connection.execute(
                "INSERT INTO mail (received, sender, recipients, subject, text, html)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            number = int(cursor.lastrowid or 0)
            self._connection.execute("DELETE FROM mail WHERE id <= ?", (number - self._kept,))
        return number

    def find(self, *, to: str = "", limit: int = 100) -> tuple[int, list[Mail]]:
        """How many mails have a recipient containing `to` (any case), and the newest `limit` of them."""
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", to.strip().lower()) + "%"
        where = " FROM mail WHERE recipients LIKE ? ESCAPE '\\'"
        with self._lock:
            (count,) = self._connection.execute("SELECT count(*)" + where, (pattern,)).fetchone()
            rows = self._connection.execute(
                "SELECT *" + where + " ORDER BY id DESC LIMIT ?", (pattern, limit)
            ).fetchall()
        return count, [_mail(row) for row in rows]

    def get(self, number: int) -> Mail | None:
        """One mail, or None when it was never caught or already dropped."""
        with self._lock:
            row = self._connection.execute("SELECT * FROM mail WHERE id = ?", (number,)).fetchone()
        return _mail(row) if row else None

    def clear(self) -> None:
        """Forget all mails; numbers are not used again."""
        with self._lock:
            self._connection.execute("DELETE FROM mail")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class _Catcher:
    """What aiosmtpd calls for each greeting and each mail."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_EHLO(  # noqa: N802  the library finds the hook by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # Commands are read from a stream one by one, so a client may send several at once.
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = (
            envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        )
        recipients = [str(address) for address in envelope.rcpt_tos]
        number = self._store.add(sender=envelope.mail_from or "", recipients=recipients, content=content)
        return f"250 OK, caught as {number}"


class _PageHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: MailStore

    def do_GET(self) -> None:
        if not self._is_local():
            return
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        to = query.get("to", "")
        steps = [step for step in parts.path.split("/") if step]
        match steps:
            case []:
                count, mails = self.store.find(to=to, limit=200)
                self._answer_html(list_page(mails, count=count, to=to))
            case ["healthz"]:
                self._answer_json({"status": "ok"})
            case ["api", "messages"]:
                limit = query.get("limit", "100")
                count, mails = self.store.find(to=to, limit=int(limit) if limit.isdecimal() else 100)
                self._answer_json({"count": count, "messages": [asdict(mail) for mail in mails]})
            case ["api", "messages", number] if mail := self._mail(number):
                self._answer_json(asdict(mail))
            case ["sign-up"]:
                self._answer_html(sign_up_page(query.get("id", ""), is_paid=bool(query.get("paid"))))
            case ["messages", number] if mail := self._mail(number):
                self._answer_html(message_page(mail))
            case ["messages", number, "html"] if mail := self._mail(number):
                # Sandboxed twice, by the frame and here, for whoever opens this address by itself.
                self._answer_html(
                    framed_html(mail.html),
                    policy="sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
                    "img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'",
                )
            case _:
                self._answer_json({"error": "not_found"}, HTTPStatus.NOT_FOUND)

    def do_DELETE(self) -> None:
        if not self._is_local():
            return
        if self.path != "/api/messages":
            self._answer_json({"error": "not_found"}, HTTPStatus.NOT_FOUND)
            return
        self.store.clear()
        self._answer_json({"count": 0})

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests for this page are not worth a line."""

    def _is_local(self) -> bool:
        if _LOCAL_HOST.fullmatch(self.headers.get("Host", "")):
            return True
        self._answer_json({"error": "local_names_only"}, HTTPStatus.FORBIDDEN)
        return False

    def _mail(self, number: str) -> Mail | None:
        return self.store.get(int(number)) if number.isdecimal() and len(number) < 16 else None

    def _answer_json(self, value: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._answer(json.dumps(value).encode(), "application/json", status, "default-src 'none'")

    def _answer_html(self, page: str, *, policy: str = "") -> None:
        policy = (
            policy or "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'"
        )
        self._answer(page.encode(), "text/html; charset=utf-8", HTTPStatus.OK, policy)

    def _answer(self, body: bytes, content_type: str, status: HTTPStatus, policy: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)


class MailCatcher:
    """Both servers on 127.0.0.1, running inside a `with` block. Port 0 asks for any free port."""

    def __init__(self, folder: Path, *, smtp_port: int, http_port: int) -> None:
        # The library greets its own port to see whether it listens, so it must be told a real one.
        self.smtp_port = smtp_port or choose_port()
        self._store = MailStore(folder)
        handler = type("BoundPageHandler", (_PageHandler,), {"store": self._store})
        self._pages = ThreadingHTTPServer(("127.0.0.1", http_port), handler)
        self._pages.daemon_threads = True
        self._smtp = Controller(
            _Catcher(self._store), hostname="127.0.0.1", port=self.smtp_port, enable_SMTPUTF8=True,
            data_size_limit=_LARGEST_MAIL_BYTES, ident="Palaestra mail catcher",
        )  # fmt: skip

    def __enter__(self) -> MailCatcher:
        self._smtp.start()
        threading.Thread(target=self._pages.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._smtp.stop()
        self._pages.shutdown()
        self._pages.server_close()
        self._store.close()

    @property
    def http_port(self) -> int:
        """Where the page is served."""
        return int(self._pages.server_address[1])


def _mail(row: tuple[Any, ...]) -> Mail:
    return Mail(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], row[6])


def _subject(message: EmailMessage) -> str:
    return str(message.get("Subject", "") or "")


def _part(message: EmailMessage, kind: str) -> str:
    """The body of this kind as text; a mail that lies about its character set is shown with replacement
    marks."""
    body = message.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    payload = body.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(body.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.mailcatcher", description="Catch mails and show them."
    )
    parser.add_argument("--smtp-port", type=int, default=1025)
    parser.add_argument("--http-port", type=int, default=8025)
    parser.add_argument("--data-dir", type=Path, default=Path(".palaestra/mail"))
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with MailCatcher(
            arguments.data_dir, smtp_port=arguments.smtp_port, http_port=arguments.http_port
        ) as catcher:
            print(
                f"SMTP on 127.0.0.1:{catcher.smtp_port}, page on http://127.0.0.1:{catcher.http_port}",
                flush=True,
            )
            stop.wait()
    except OSError as error:
        print(f"error: the mail catcher cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
