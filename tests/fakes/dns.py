"""A DNS server on loopback that says what a test tells it, over UDP, as a resolver would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dnslib import QTYPE, RCODE, RR, TXT, DNSError, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSServer


class _Quiet:
    """A logger that says nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *arguments: None


@dataclass
class FakeDns(BaseResolver):
    """TXT records by name; a name that is in neither mapping does not exist.

    Attributes:
        texts: name -> values of its TXT records; an empty list is a name without any.
        failures: name -> "servfail", "refused" or "silence" (no answer at all).
        asked: names that were asked for.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """Answer one question."""
        name = str(request.q.qname).rstrip(".")
        self.asked.append(name)
        reply = request.reply()
        match self.failures.get(name):
            case "servfail":
                reply.header.rcode = RCODE.SERVFAIL
            case "refused":
                reply.header.rcode = RCODE.REFUSED
            case "silence":
                raise DNSError("no answer")  # which the handler takes for a reason to send none
            case _:
                if name not in self.texts:
                    reply.header.rcode = RCODE.NXDOMAIN
                for text in self.texts.get(name, []):
                    # A string holds 255 bytes; a longer value comes in parts.
                    parts = [text[start : start + 255] for start in range(0, len(text), 255)]
                    reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT(parts), ttl=0))
        return reply


@contextmanager
def fake_dns() -> Iterator[FakeDns]:
    """Serve until the block ends; `address` is "host:port"."""
    answers = FakeDns()
    server = DNSServer(answers, address="127.0.0.1", port=0, logger=_Quiet())
    answers.address = f"127.0.0.1:{server.server.server_address[1]}"
    server.start_thread()
    try:
        yield answers
    finally:
        server.server.shutdown()
        server.server.server_close()
