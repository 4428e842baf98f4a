"""Read figures of use."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.usage.models import DailyUsage
from shared_apps.usage.policies import VIEW, VIEW_ANY
from tenants.models import Organization

MOST_DAYS = 366
COUNTED = ("requests", "tasks", "mails")


@dataclass(frozen=True, slots=True)
class Usage:
    """What an organization used.

    Attributes:
        days: oldest first, only days with figures.
        queue_weight: its share of the workers, where others have 1.
        request_budget: requests a minute; None for the installation's own.
    """

    organization_id: uuid.UUID
    name: str
    since: date
    until: date
    queue_weight: int
    request_budget: int | None
    days: list[DailyUsage]


@dataclass(frozen=True, slots=True)
class Top:
    """An organization among those that use most; bytes and rows as last measured."""

    organization_id: uuid.UUID
    name: str
    requests: int
    tasks: int
    mails: int


def own_usage(actor: Actor, *, organization_id: uuid.UUID, days: int) -> Usage:
    """Return the usage of the actor's organization in the last days, today included.

    Raises:
        Forbidden: not one of its admins.
    """
    require(actor, VIEW)
    return _usage(organization_id, days)


def usage_of(actor: Actor, *, organization_id: uuid.UUID, days: int) -> Usage:
    """Return the usage of any organization, for operators.

    Raises:
        NotFound: there is none.
    """
    require(actor, VIEW_ANY)
    return _usage(organization_id, days)


def _usage(organization_id: uuid.UUID, days: int) -> Usage:
    until = clock.now().date()
    since = until - timedelta(days=days - 1)
    shares = Organization.objects.filter(id=organization_id).values_list(
        "name", "queue_weight", "request_budget"
    )
    found = shares.first()
    if found is None:
        raise NotFound(organization=str(organization_id))
    rows = DailyUsage.objects.filter(organization_id=organization_id, day__gte=since).order_by("day")
    name, weight, budget = found
    return Usage(organization_id, name, since, until, weight, budget, list(rows))


def top_organizations(actor: Actor, *, by: str, days: int, most: int = 10) -> list[Top]:
    """Return the organizations with most of one counted figure in the last days, for operators.

    Args:
        by: "requests", "tasks" or "mails".
    """
    require(actor, VIEW_ANY)
    since = clock.now().date() - timedelta(days=days - 1)
    sums = {name: Sum(name) for name in COUNTED}
    rows: list[Any] = list(
        DailyUsage.objects.filter(day__gte=since)
        .order_by()
        .values("organization_id")
        .annotate(**{f"sum_{name}": total for name, total in sums.items()})
        .filter(**{f"sum_{by}__gt": 0})
        .order_by(f"-sum_{by}", "organization_id")[:most]
    )
    names = dict(
        Organization.objects.filter(id__in=[row["organization_id"] for row in rows]).values_list("id", "name")
    )
    return [
        Top(
            row["organization_id"],
            names.get(row["organization_id"], str(row["organization_id"])),
            *(row[f"sum_{name}"] for name in COUNTED),
        )
        for row in rows
    ]


def largest_organizations(actor: Actor, *, most: int = 10) -> list[tuple[str, int]]:
    """Return name and bytes (tables and files) of the largest organizations as measured in the last two days,
    for operators."""
    require(actor, VIEW_ANY)
    size = Coalesce(F("database_bytes"), 0) + Coalesce(F("file_bytes"), 0)
    since = clock.now().date() - timedelta(days=1)
    rows = DailyUsage.objects.filter(day__gte=since, database_bytes__isnull=False).annotate(size=size)
    largest: dict[uuid.UUID, int] = {}
    for identifier, found in rows.order_by("-size", "organization_id").values_list("organization_id", "size")[
        : most * 2
    ]:
        largest.setdefault(identifier, found)
    names = dict(Organization.objects.filter(id__in=largest).values_list("id", "name"))
    return [(names.get(identifier, str(identifier)), found) for identifier, found in largest.items()][:most]


def organizations_with_orphans(actor: Actor) -> list[tuple[uuid.UUID, str, int]]:
    """Return id, name and number of the organizations whose last look of the last two days found references
    that lead nowhere, for operators; most first."""
    require(actor, VIEW_ANY)
    since = clock.now().date() - timedelta(days=1)
    rows = DailyUsage.objects.filter(day__gte=since, orphans__isnull=False)
    latest = rows.order_by("organization_id", "-day").distinct("organization_id")
    found = [row for row in latest.values_list("organization_id", "orphans") if row[1]]
    names = dict(Organization.objects.filter(id__in=[row[0] for row in found]).values_list("id", "name"))
    listed = [
        (identifier, names.get(identifier, str(identifier)), number or 0) for identifier, number in found
    ]
    return sorted(listed, key=lambda row: (-row[2], row[1]))


def totals_by_day(actor: Actor, *, days: int) -> list[tuple[date, int, int, int, int]]:
    """Return requests, tasks, mails and stored bytes of all organizations together for each of the last days,
    for operators."""
    require(actor, VIEW_ANY)
    since = clock.now().date() - timedelta(days=days - 1)
    rows = DailyUsage.objects.filter(day__gte=since).order_by("day").values("day")
    stored = Coalesce(F("database_bytes"), 0) + Coalesce(F("file_bytes"), 0)
    totals: Any = rows.annotate(**{f"sum_{name}": Sum(name) for name in COUNTED}, stored=Sum(stored))
    return [
        (row["day"], row["sum_requests"], row["sum_tasks"], row["sum_mails"], int(row["stored"]))
        for row in totals
    ]
