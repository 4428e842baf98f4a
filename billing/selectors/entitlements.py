"""What an organization may use: the one question that other apps ask about its plan."""

import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from billing.entitlements import ENTITLEMENTS, Kind, is_value_of
from billing.enums import OVER
from billing.errors import NotInPlan, PlanLimitReached
from billing.models import Subscription
from billing.policies import BILLING_VIEW, SUBSCRIPTIONS_VIEW, require_in
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenants.models import Organization
from tenants.scope import Scope, current_scope


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What holds for one organization now.

    Attributes:
        values: name -> number, None for no limit, or true or false; every registered name.
        sources: name -> "default", "plan" or "operator": who said so.
        plan: code of the plan; empty without one.
    """

    values: Mapping[str, int | bool | None]
    sources: Mapping[str, str]
    plan: str = ""

    def limit(self, name: str) -> int | None:
        """Return how much of it is allowed; None for any amount."""
        value = self.values[name]
        assert value is None or not isinstance(value, bool), name  # noqa: S101  the registry's kinds
        return value

    def has(self, name: str) -> bool:
        """Tell whether it is allowed at all."""
        return self.values[name] is True


@dataclass(frozen=True, slots=True)
class Line:
    """One registered name, as it stands for an organization.

    Attributes:
        allowed: False for a flag that is off.
        limit: how much of it; None for any amount, and for a flag.
        used: in the limit's unit; None for a flag.
        said_by: "default", "plan" or "operator".
    """

    name: str
    kind: str
    wording: str
    allowed: bool
    limit: int | None
    used: int | None
    said_by: str


@dataclass(frozen=True, slots=True)
class Listed:
    """All of them, with the plan's code (empty without one)."""

    plan: str
    results: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of an entitlement: a number, None for no limit, or true or false."""

    value: int | bool | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """One registered name with everybody who has a say; None where one says nothing of it.

    Attributes:
        value: what holds.
        said_by: "default", "plan" or "operator": whose word that is.
    """

    name: str
    kind: str
    wording: str
    default: int | bool | None
    by_plan: Said | None
    by_operator: Said | None
    value: int | bool | None
    said_by: str


@dataclass(frozen=True, slots=True)
class AllWeighed:
    """All of them, with the plan's code (empty without one)."""

    organization_id: uuid.UUID
    plan: str
    results: tuple[Weighed, ...]


# What was asked in the present scope, which is new for every request and task.
_asked: ContextVar[tuple[Scope, Entitlements] | None] = ContextVar("asked_entitlements", default=None)


def entitlements_of(organization_id: uuid.UUID) -> Entitlements:
    """Return what the organization may use; one statement, once in a request to its own host or a task of it.

    An operator's word counts before the plan's, the plan's before the default. Without a subscription in
    force, or under a plan that says nothing, the defaults hold.
    """
    scope = current_scope.get()
    is_own = scope.organization is not None and scope.organization.id == organization_id
    known = _asked.get()
    if is_own and known is not None and known[0] is scope:
        return known[1]
    found = _read(organization_id)
    if is_own:
        _asked.set((scope, found))
    return found


def list_entitlements(*, actor: Actor, organization_id: uuid.UUID, used: Mapping[str, int]) -> Listed:
    """Return every registered name with what holds for it.

    Args:
        used: how much there is of each limit, counted by whoever knows; billing does not.

    Raises:
        Forbidden, NotFound: see `require_in`.
    """
    require_in(actor, BILLING_VIEW, organization_id)
    found = entitlements_of(organization_id)
    lines = []
    for name, entitlement in ENTITLEMENTS.items():
        is_limit = entitlement.kind is Kind.LIMIT
        lines.append(
            Line(
                name=name,
                kind=str(entitlement.kind),
                wording=entitlement.wording,
                allowed=is_limit or found.has(name),
                limit=found.limit(name) if is_limit else None,
                used=used[name] if is_limit else None,
                said_by=found.sources[name],
            )
        )
    return Listed(found.plan, tuple(lines))


def weigh_entitlements(*, actor: Actor, organization_id: uuid.UUID) -> AllWeighed:
    """Return every registered name with what the default, the plan and an operator say; one statement.

    Raises:
        Forbidden: not an operator.
        NotFound: no such organization.
    """
    require(actor, SUBSCRIPTIONS_VIEW)
    said = _words_of(organization_id)
    if said is None:
        raise NotFound(organization=str(organization_id))
    by_operator, by_plan, plan = said
    found = _weigh(by_operator, by_plan, plan)
    lines = tuple(
        Weighed(
            name=name,
            kind=str(entitlement.kind),
            wording=entitlement.wording,
            default=entitlement.default,
            by_plan=_word(name, entitlement.kind, by_plan),
            by_operator=_word(name, entitlement.kind, by_operator),
            value=found.values[name],
            said_by=found.sources[name],
        )
        for name, entitlement in ENTITLEMENTS.items()
    )
    return AllWeighed(organization_id, found.plan, lines)


def require_feature(organization_id: uuid.UUID, name: str) -> None:
    """Refuse what the plan does not hold.

    Raises:
        NotInPlan: facts `feature`.
    """
    if not entitlements_of(organization_id).has(name):
        raise NotInPlan(feature=name)


def refuse_over_limit(
    organization_id: uuid.UUID, name: str, *, used: int, more: int = 1, unit: int = 1
) -> None:
    """Refuse what would exceed the plan's limit. Whoever counts `used` holds a lock if it must be exact.

    Args:
        used: how much there is.
        more: how much would come to it.
        unit: how many of what is counted make one of the limit's: 1,000,000 bytes a megabyte.

    Raises:
        PlanLimitReached: facts `limit_name`, `limit`, `used`, in the limit's unit, rounded up.
    """
    limit = entitlements_of(organization_id).limit(name)
    if limit is not None and used + more > limit * unit:
        raise PlanLimitReached(limit_name=name, limit=limit, used=-(-used // unit))


def _read(organization_id: uuid.UUID) -> Entitlements:
    return _weigh(*(_words_of(organization_id) or (None, None, None)))


def _words_of(organization_id: uuid.UUID) -> tuple[Any, Any, str | None] | None:
    """Return what an operator and the plan say, and the plan's code; None without such an organization."""
    live = Subscription.objects.filter(organization_id=OuterRef("pk")).exclude(status__in=OVER)
    said: tuple[Any, Any, str | None] | None = (
        Organization.objects.filter(id=organization_id)
        .annotate(
            plan_code=Subquery(live.values("plan__code")[:1]),
            features=Subquery(live.values("plan__features")[:1]),
        )
        .values_list("entitlements", "features", "plan_code")
        .first()
    )
    return said


def _weigh(by_operator: Any, by_plan: Any, plan: str | None) -> Entitlements:
    values: dict[str, int | bool | None] = {}
    sources: dict[str, str] = {}
    for name, entitlement in ENTITLEMENTS.items():
        values[name], sources[name] = entitlement.default, "default"
        for source, words in (("plan", by_plan), ("operator", by_operator)):
            if (said := _word(name, entitlement.kind, words)) is not None:
                values[name], sources[name] = said.value, source
    return Entitlements(values, sources, plan or "")


def _word(name: str, kind: Kind, words: Any) -> Said | None:
    """Return what the words say of it; what a plan says in another form, from before forms were checked,
    counts as unsaid."""
    if isinstance(words, dict) and name in words and is_value_of(kind, words[name]):
        return Said(words[name])
    return None
