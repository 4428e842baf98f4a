"""Moments of a run: given as instants or as wall time of its zone, kept so that both stay true."""

from collections.abc import Mapping
from typing import Any

from shared_apps.core.walltime import LOCAL_FORMAT, NotAWallTime, to_instant, to_local
from tenant_apps.runs.errors import (
    EnrollmentClosesBeforeOpening,
    RunEndsBeforeStart,
    TimeGivenTwice,
)

MOMENTS = ("starts", "ends", "enrollment_opens", "enrollment_closes")


def read_moments(run: Mapping[str, Any], facts: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return instants and wall times as they are after the facts, in this zone.

    An instant replaces the wall time that was there, and a wall time the instant; null or an empty text takes
    the moment away. Another zone keeps wall times and moves their instants; plain instants stay.

    Args:
        run: the moments as they were.
        facts: what is to change; other keys are passed over.
        zone: IANA name, known to be one.

    Raises:
        TimeGivenTwice: one moment is given both ways.
        NotAWallTime: no such date or time.
    """
    found: dict[str, Any] = {}
    for moment in MOMENTS:
        instant, local = f"{moment}_at", f"{moment}_local"
        if facts.get(instant) is not None and facts.get(local):
            raise TimeGivenTwice(field=local)
        found[instant], found[local] = run[instant], run[local]
        if facts.get(local) or (local in facts and instant not in facts):
            found[instant], found[local] = None, facts[local] or ""
        elif instant in facts:
            found[instant], found[local] = facts[instant], ""
        if found[local]:
            found[instant] = _instant(found[local], zone, local)
    return found


def check_windows(run: Mapping[str, Any]) -> None:
    """Refuse windows that are empty or turned around.

    Raises:
        RunEndsBeforeStart, EnrollmentClosesBeforeOpening: with both instants.
    """
    starts, ends = run["starts_at"], run["ends_at"]
    if starts is not None and ends is not None and ends <= starts:
        raise RunEndsBeforeStart(field="ends_at", starts_at=starts.isoformat(), ends_at=ends.isoformat())
    opens, closes = run["enrollment_opens_at"], run["enrollment_closes_at"]
    if opens is not None and closes is not None and closes <= opens:
        raise EnrollmentClosesBeforeOpening(
            field="enrollment_closes_at", opens_at=opens.isoformat(), closes_at=closes.isoformat()
        )


def shown_moments(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return each moment's wall time in the run's zone ("2026-03-29T09:00", None for none), and which of them
    are kept as wall time.

    A wall time that the clocks skip shows what they do show at its instant.
    """
    zone = run["timezone"]
    shown: dict[str, Any] = {
        f"{moment}_local": None
        if run[f"{moment}_at"] is None
        else to_local(run[f"{moment}_at"], zone).strftime(LOCAL_FORMAT)
        for moment in MOMENTS
    }
    return shown | {"kept_as_wall_time": [moment for moment in MOMENTS if run[f"{moment}_local"]]}


def _instant(text: str, zone: str, field: str) -> Any:
    try:
        return to_instant(text, zone)
    except NotAWallTime as error:
        raise NotAWallTime(field=field, value=text[:32]) from error
