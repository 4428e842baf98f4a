"""A small client of the product's own API, as any customer would write it."""

import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests


class UnexpectedAnswer(AssertionError):
    """The API did not answer what the story needs; the message shows the request and the answer."""


class Api:
    """One host of the platform, seen by one person.

    Requests go to the loopback address with the host's name, so that the demo needs no name service.
    """

    def __init__(self, port: int, host: str, token: str = "") -> None:
        self.port, self.host, self.token = port, host, token
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, *, expect: int = 200, **options: Any) -> Any:
        """Send one request; return the JSON body, None when it is empty.

        Raises:
            UnexpectedAnswer: another status than expected.
        """
        headers = {"Host": f"{self.host}:{self.port}", **options.pop("headers", {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        answer = self._session.request(
            method, f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=120, **options
        )
        if answer.status_code != expect:
            address = f"http://{self.host}:{self.port}{path}"
            raise UnexpectedAnswer(f"{method} {address} answered {answer.status_code}: {answer.text[:1500]}")
        return answer.json() if answer.content else None

    def get(self, path: str, **options: Any) -> Any:
        """GET, expecting 200."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, *, expect: int = 201, **options: Any) -> Any:
        """POST a JSON body, expecting 201."""
        return self.call("POST", path, json=body if body is not None else {}, expect=expect, **options)

    def upload(self, path: str, file: Path, fields: dict[str, str]) -> Any:
        """POST a file as a form, expecting 201."""
        with file.open("rb") as content:
            return self.call(
                "POST", path, expect=201, data=fields, files={"file": (file.name, content, "text/csv")}
            )

    def sign_in(self, email: str, password: str) -> "Api":
        """Return the same host, seen by the person who signs in."""
        pair = self.post("/api/v1/auth/sign-in", {"email": email, "password": password}, expect=200)
        return Api(self.port, self.host, pair["access_token"])


class Mailbox:
    """The mail catcher, asked for the newest mail to somebody."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def token_for(self, email: str, *, page: str = "", seconds: float = 60.0) -> str:
        """Return the token of the link in the newest mail to the address, waiting for the mail.

        Args:
            page: how the path of the link ends, where the address gets mails of several kinds.

        Raises:
            UnexpectedAnswer: no mail with a link came in time.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = requests.get(f"{self.address}/api/messages", params={"to": email}, timeout=10).json()
            for message in found["messages"]:
                token = _token_in(message["text"], page)
                if token:
                    return token
            time.sleep(0.3)
        raise UnexpectedAnswer(f"no mail with a link reached {email} within {seconds:.0f} s")

    def count(self) -> int:
        """Return how many mails were caught."""
        return int(
            requests.get(f"{self.address}/api/messages", params={"limit": 1}, timeout=10).json()["count"]
        )


def _token_in(text: str, page: str) -> str:
    for word in text.split():
        if word.startswith("http") and urlsplit(word).path.endswith(page):
            tokens = parse_qs(urlsplit(word).query).get("token")
            if tokens:
                return tokens[0]
    return ""
