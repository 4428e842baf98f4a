"""Errors of the domain: a stable code, a kind that HTTP maps to a status, and facts as data.

An error carries facts (`seats_free=0`), never a sentence for a person: `title` is the fixed sentence of its
class, `advice` says what to do next, and the API adds nothing of its own.
"""

from enum import Enum
from typing import Any, ClassVar


class Kind(Enum):
    """What sort of refusal it is; `api.core.errors` maps each to one HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    PAYMENT = "payment"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    PRECONDITION = "precondition"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """Base of every expected refusal.

    Attributes:
        code: stable snake_case word, part of the API's contract.
        kind: sort of refusal.
        title: short fixed sentence.
        advice: what the caller can do next, fixed.
        facts: JSON-ready values about this one occurrence.
        field: name of the input field the refusal is about, if it is about one.
    """

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The request was refused."
    advice: ClassVar[str] = ""

    def __init__(self, *, field: str | None = None, **facts: Any) -> None:
        self.field = field
        self.facts = facts
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code


class InvalidInput(DomainError):
    """One field's value is not acceptable for a business reason (shape errors never reach the domain)."""

    code = "invalid"
    title = "A value was not accepted."


class NotFound(DomainError):
    """The object does not exist, or the actor may not know that it does."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    title = "There is nothing here."
    advice = "Check the id, and that you are on the right organization's host."


class Forbidden(DomainError):
    """The actor sees the object but may not do this to it."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
    title = "You may not do this."
    advice = "Ask an administrator of your organization for the right named in `needed`."


class Unauthenticated(DomainError):
    """No valid sign-in came with the request."""

    code = "not_authenticated"
    kind = Kind.UNAUTHENTICATED
    title = "Sign in first."
    advice = "Send a bearer token made for this host, or sign in for a session."


class Conflict(DomainError):
    """The act does not fit the state the object is in."""

    code = "conflict"
    kind = Kind.CONFLICT
    title = "The object's state does not allow this."


class StaleVersion(DomainError):
    """Somebody else changed the object since the caller read it."""

    code = "stale_version"
    kind = Kind.PRECONDITION
    title = "The object has changed since you read it."
    advice = "Read it again, apply your change to the new state, and send the new ETag in If-Match."
