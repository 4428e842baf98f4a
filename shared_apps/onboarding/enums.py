"""Words of onboarding."""

from enum import StrEnum

from django.db import models


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


class SignUpStatus(models.TextChoices):
    """How far a sign-up is. The API says the same words."""

    UNVERIFIED = "unverified", "Waits for its e-mail address"
    VERIFIED = "verified", "Waits for its payment page"
    PAYING = "paying", "On the payment page"
    PROVISIONING = "provisioning", "Paid, being set up"
    READY = "ready", "Ready"
    EXPIRED = "expired", "Expired"
    CANCELED = "canceled", "Canceled by an operator"
    NEEDS_ATTENTION = "needs_attention", "Paid, needs an operator"
    REFUNDED = "refunded", "Paid back"


# What has not been paid and ends with its time.
UNPAID_SIGN_UPS = frozenset({SignUpStatus.UNVERIFIED, SignUpStatus.VERIFIED, SignUpStatus.PAYING})


class NextStep(StrEnum):
    """What whoever signs up does next."""

    VERIFY_EMAIL = "verify_email"
    CHECKOUT = "checkout"
    PAY = "pay"
    WAIT = "wait"
    SIGN_IN = "sign_in"
    START_AGAIN = "start_again"
    SUPPORT = "support"
