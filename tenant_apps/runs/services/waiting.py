"""The waiting list of a full run: who asks is put at its end, and who stands first is let in as soon as a
place is free, in the transaction that freed it. All of it under the run's lock: nobody is let in twice.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import OCCUPYING, OVER, EnrollmentSource
from tenant_apps.runs.errors import NotYourReport
from tenant_apps.runs.locks import run_to_fill
from tenant_apps.runs.models import Enrollment, WaitingPlace
from tenant_apps.runs.policies import ENROL_MEMBERS, only_reports_of, visible_runs
from tenant_apps.runs.selectors.candidates import (
    Candidate,
    RunToFill,
    find_candidates,
    read_run_to_fill,
    refusal_of,
)
from tenant_apps.runs.services.enrollment_rows import Entry, write_back, write_new
from tenant_apps.runs.services.promotion_mails import Promoted, do_mail_promoted
from tenants.context import current_organization

PROMOTE = "runs.promote"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of those on the list: let in, and taken off it because they left the organization."""

    promoted: list[uuid.UUID]
    removed: list[uuid.UUID]


def do_wait(
    *, run_id: uuid.UUID, member_ids: Sequence[uuid.UUID], source: EnrollmentSource, by: uuid.UUID | None
) -> dict[uuid.UUID, int]:
    """Put people at the end of the list, in this order, and return everybody's place, counted from 1.

    Whoever waits already keeps their place. Needs the run's lock (`run_to_fill`).
    """
    require_transaction()
    asked = list(dict.fromkeys(member_ids))
    # Keys of one millisecond are in no order of their own, and the list is read by them.
    keys = sorted(new_id() for _ in asked)
    WaitingPlace.objects.bulk_create(
        [
            WaitingPlace(id=key, run_id=run_id, member_id=member_id, source=source, asked_by_id=by)
            for key, member_id in zip(keys, asked, strict=True)
        ],
        ignore_conflicts=True,
    )
    return places_of(run_id, asked)


def places_of(run_id: uuid.UUID, member_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the places of these members on the list, counted from 1."""
    wanted = set(member_ids)
    listed = WaitingPlace.objects.filter(run_id=run_id).order_by("created_at", "id")
    return {
        member_id: place
        for place, member_id in enumerate(listed.values_list("member_id", flat=True), 1)
        if member_id in wanted
    }


def do_free_places(run: RunToFill) -> int | None:
    """Lock the run and return how many places nobody holds or waits for; None when there is no limit.

    People on the list go first: those who can be let in now are.
    """
    require_transaction()
    if run.capacity is None:
        return None
    run_to_fill(run.id).get()
    if WaitingPlace.objects.filter(run_id=run.id).exists():
        do_promote(run.id)
    return run.capacity - taken_in(run.id)


def taken_in(run_id: uuid.UUID) -> int:
    """Return how many places of the run are taken."""
    return Enrollment.objects.filter(run_id=run_id, state__in=OCCUPYING).count()


def do_promote(run_id: uuid.UUID) -> Standing:
    """Let in who stands first, as far as the places reach, and write to them.

    Somebody who lost the seat, or whose membership is suspended, is passed over and keeps the place; somebody
    who left the organization loses it. Needs an open transaction; locks the run.
    """
    require_transaction()
    run_to_fill(run_id).first()
    listed = list(WaitingPlace.objects.filter(run_id=run_id).order_by("created_at", "id"))
    run = read_run_to_fill(run_id) if listed else None
    now = clock.now()
    if run is None or not run.takes_people(now):
        return Standing([], [])
    free = len(listed) if run.capacity is None else run.capacity - taken_in(run_id)
    if free <= 0:
        return Standing([], [])
    known = find_candidates(
        organization_id=current_organization().id,
        run_id=run_id,
        member_ids=[place.member_id for place in listed],
    )
    chosen: list[tuple[WaitingPlace, Candidate]] = []
    gone: list[WaitingPlace] = []
    for place in listed:
        candidate = known[place.member_id]
        if candidate.membership in {None, "removed"} or candidate.is_in:
            gone.append(place)
        elif refusal_of(candidate) is None and len(chosen) < free:
            chosen.append((place, candidate))
    WaitingPlace.objects.filter(pk__in=[place.pk for place in gone]).delete()
    promoted = _let_in(run, chosen, now)
    removed = [place.member_id for place in gone]
    _record(run_id, promoted, removed)
    return Standing(promoted, removed)


def do_promote_all(run_ids: Iterable[uuid.UUID]) -> None:
    """Let people into these runs, in order of the runs' keys as everybody locks them."""
    for run_id in sorted(set(run_ids)):
        do_promote(run_id)


def leave_waiting_list(*, actor: Actor, run_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Take somebody off the list. Repeating changes nothing.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden, NotYourReport: it is somebody else's place, and the actor may not enrol them in the run.
    """
    with entry_transaction():
        if not visible_runs(actor).filter(pk=run_id).exists():
            raise NotFound
        if member_id != actor.membership_id:
            require(actor, ENROL_MEMBERS, run_id)
            _require_report(actor, run_id, member_id)
        run_to_fill(run_id).first()
        gone, _ = WaitingPlace.objects.filter(run_id=run_id, member_id=member_id).delete()
        if gone:
            do_record(
                actor=actor,
                action="runs.leave_waiting_list",
                organization_id=current_organization().id,
                target_kind="courserun",
                target_id=run_id,
                changes={"member_id": str(member_id)},
            )


def _require_report(actor: Actor, run_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Refuse managers whoever does not report to them, on the list or not: they see nobody else on it."""
    manager_id = only_reports_of(actor, run_id)
    if manager_id is None:
        return
    known = find_candidates(organization_id=current_organization().id, run_id=run_id, member_ids=[member_id])
    if known[member_id].manager_id != manager_id:
        raise NotYourReport(member_id=str(member_id))


def do_clear_list(run_id: uuid.UUID) -> int:
    """Take everybody off the list of a run that takes nobody any more, and return how many they were."""
    require_transaction()
    gone, _ = WaitingPlace.objects.filter(run_id=run_id).delete()
    return gone


def _let_in(
    run: RunToFill, chosen: Sequence[tuple[WaitingPlace, Candidate]], now: datetime
) -> list[uuid.UUID]:
    """Enrol the chosen, by the way each of them had asked; their places end in the same statement."""
    ways: dict[tuple[str, uuid.UUID | None], list[Candidate]] = {}
    for place, candidate in chosen:
        ways.setdefault((place.source, place.asked_by_id), []).append(candidate)
    rows: dict[uuid.UUID, Any] = {}
    for (source, by), people in ways.items():
        entry = Entry(run_id=run.id, source=EnrollmentSource(source), by=by, ends_at=run.access_ends_at(now))
        rows |= write_new(entry, [each for each in people if each.enrollment_id is None])
        rows |= write_back(entry, [each for each in people if each.enrollment_state in OVER])
    let_in = [(place, rows[place.member_id]) for place, _ in chosen if place.member_id in rows]
    do_mail_promoted(
        run.id, [Promoted(place.id, place.member_id, row.enrollment["id"]) for place, row in let_in]
    )
    return [place.member_id for place, _ in let_in]


def _record(run_id: uuid.UUID, promoted: list[uuid.UUID], removed: list[uuid.UUID]) -> None:
    if not promoted and not removed:
        return
    changes: dict[str, Any] = {}
    if promoted:
        changes["promoted"] = [str(each) for each in promoted]
    if removed:
        changes["removed"] = {str(each): "not_waiting_any_more" for each in removed}
    organization_id = current_organization().id
    do_record(
        actor=system_actor(PROMOTE, organization_id),
        action=PROMOTE,
        organization_id=organization_id,
        target_kind="courserun",
        target_id=run_id,
        changes=changes,
    )
