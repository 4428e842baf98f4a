"""What DNS says. Only TXT records are read, from the resolvers of the settings: nothing is ever fetched from
an address that a customer names."""

from dataclasses import dataclass

import dns.exception
import dns.nameserver
import dns.resolver
import structlog
from django.conf import settings

from shared_apps.onboarding.enums import DomainProblem

log = structlog.get_logger(__name__)
_MOST_RECORDS = 50


@dataclass(frozen=True, slots=True)
class Texts:
    """The TXT records of a name.

    Attributes:
        values: each record's strings joined.
        problem: why there are none; None where there are.
    """

    values: frozenset[str] = frozenset()
    problem: DomainProblem | None = None


def look_up_texts(name: str) -> Texts:
    """Return the TXT records of a name, asked now and remembered nowhere on our side.

    Takes DNS_TIMEOUT_SECONDS at most. Never raises for what a server answers or leaves unanswered.

    Args:
        name: full name in A-labels, without a dot at the end.
    """
    try:
        answer = _resolver().resolve(f"{name}.", "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Texts(problem=DomainProblem.MISSING)
    except dns.exception.Timeout:
        return Texts(problem=DomainProblem.TIMEOUT)
    except dns.exception.DNSException as error:
        log.warning("dns_failed", name=name, error=type(error).__name__)
        return Texts(problem=DomainProblem.SERVER_FAILED)
    records = list(answer)[:_MOST_RECORDS]
    return Texts(frozenset(b"".join(record.strings).decode("ascii", "replace") for record in records))


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.DNS_RESOLVERS)
    if settings.DNS_RESOLVERS:
        resolver.nameservers = [_server(address) for address in settings.DNS_RESOLVERS]
    resolver.lifetime = settings.DNS_TIMEOUT_SECONDS
    resolver.timeout = settings.DNS_TIMEOUT_SECONDS / 2
    return resolver


def _server(address: str) -> dns.nameserver.Nameserver:
    """Return the resolver at "host:port"; the port may be left out."""
    host, _, port = address.partition(":")
    return dns.nameserver.Do53Nameserver(host, int(port or 53))
