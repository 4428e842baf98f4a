"""Words of onboarding."""

from enum import StrEnum


class DomainProblem(StrEnum):
    """Why the last look at DNS did not prove a domain."""

    MISSING = "dns_record_missing"
    WRONG = "dns_record_wrong"
    SERVER_FAILED = "dns_server_failed"
    TIMEOUT = "dns_timeout"
    IN_USE = "domain_in_use"


# DNS could not be asked: says nothing about the record, so a proven domain stays.
UNKNOWN_PROBLEMS = frozenset({DomainProblem.SERVER_FAILED, DomainProblem.TIMEOUT})


class DomainState(StrEnum):
    """Where a custom domain stands."""

    WAITING = "waiting"
    PROVEN = "proven"
    # Served for the grace, though its record is gone.
    FAILING = "failing"
