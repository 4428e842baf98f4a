"""Make, change and remove cohorts."""

import uuid
from datetime import date
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm, remove_perm

from shared_apps.accounts.models import User
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import Rule, require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.cohorts.errors import CohortNameTaken, UnknownRun
from tenant_apps.cohorts.locks import cohort_to_change
from tenant_apps.cohorts.models import Cohort, CohortMember, CohortRight
from tenant_apps.cohorts.policies import CREATE, EDIT, MANAGE, STAFF, sees_everything, visible_cohorts
from tenant_apps.runs.enums import EnrollmentSource
from tenant_apps.runs.errors import UnknownMember
from tenant_apps.runs.policies import only_reports_of, visible_runs
from tenant_apps.runs.selectors.candidates import find_user_id
from tenant_apps.runs.services.enrolling import do_enroll
from tenants.context import current_organization


class CohortFacts(TypedDict, total=False):
    """What a cohort says of itself; a key left out stays as it is."""

    name: str
    run_id: uuid.UUID | None
    starts_on: date | None
    leave_rule: str


def create_cohort(*, actor: Actor, **facts: Unpack[CohortFacts]) -> uuid.UUID:
    """Make a cohort and return its id; a manager who makes one holds the right to manage it.

    Raises:
        Forbidden: the actor may not make cohorts.
        CohortNameTaken: another cohort has the name.
        UnknownRun: no such run, or none the actor sees.
    """
    with entry_transaction():
        require(actor, CREATE)
        _check_run(actor, facts.get("run_id"))
        cohort = Cohort(**facts)
        _write(cohort, None)
        if not sees_everything(actor):
            assign_perm(MANAGE, User(id=actor.user_id), cohort)
        _audit(actor, CREATE, cohort, {"name": cohort.name, "run_id": _plain(cohort.run_id)})
    return cohort.id


def update_cohort(*, actor: Actor, cohort_id: uuid.UUID, **facts: Unpack[CohortFacts]) -> None:
    """Change a cohort. A new run enrols everybody who is in the cohort; whom the run refuses is left out of
    it, and stays in the cohort. The enrollments in the former run stay.

    Raises:
        NotFound: no such cohort, or none the actor sees.
        Forbidden: the actor may not change it.
        CohortNameTaken, UnknownRun: see `create_cohort`.
        RunClosed: the new run takes nobody.
    """
    with entry_transaction():
        cohort = do_lock_cohort(actor=actor, cohort_id=cohort_id, rule=EDIT)
        changes = {
            name: [_plain(getattr(cohort, name)), _plain(value)]
            for name, value in facts.items()
            if getattr(cohort, name) != value
        }
        if not changes:
            return
        if "run_id" in changes:
            _check_run(actor, facts["run_id"])
        for name, value in facts.items():
            setattr(cohort, name, value)
        _write(cohort, list(changes))
        if "run_id" in changes and cohort.run_id is not None:
            present = CohortMember.objects.filter(cohort_id=cohort_id, left_at__isnull=True)
            do_enroll(
                actor=actor,
                run_id=cohort.run_id,
                member_ids=list(present.order_by("id").values_list("member_id", flat=True)),
                source=EnrollmentSource.COHORT,
                reference=str(cohort_id),
                only_reports=only_reports_of(actor, cohort.run_id),
            )
        _audit(actor, EDIT, cohort, changes)


def delete_cohort(*, actor: Actor, cohort_id: uuid.UUID) -> None:
    """Remove the cohort and its places; enrollments stay.

    Raises:
        NotFound: no such cohort, or none the actor sees.
        Forbidden: the actor may not change it.
    """
    with entry_transaction():
        cohort = do_lock_cohort(actor=actor, cohort_id=cohort_id, rule=EDIT)
        _audit(actor, EDIT, cohort, {"deleted": cohort.name})
        cohort.delete()


def set_cohort_manager(*, actor: Actor, cohort_id: uuid.UUID, member_id: uuid.UUID, manages: bool) -> None:
    """Give a member the right to manage the cohort, or take it away. Repeating changes nothing.

    Raises:
        NotFound: no such cohort, or none the actor sees.
        Forbidden: the actor may not manage the cohort's staff.
        UnknownMember: no such member.
    """
    with entry_transaction():
        cohort = do_lock_cohort(actor=actor, cohort_id=cohort_id, rule=STAFF)
        user_id = find_user_id(member_id=member_id)
        if user_id is None:
            raise UnknownMember(field="member_id")
        held = CohortRight.objects.filter(content_object_id=cohort_id, user_id=user_id).exists()
        if held == manages:
            return
        (assign_perm if manages else remove_perm)(MANAGE, User(id=user_id), cohort)
        _audit(actor, STAFF, cohort, {"member_id": str(member_id), "manages": [held, manages]})


def do_lock_cohort(*, actor: Actor, cohort_id: uuid.UUID, rule: Rule) -> Cohort:
    """Lock and return the cohort, if the actor sees it and may do what the rule names.

    Raises:
        NotFound, Forbidden: see there.
    """
    found = cohort_to_change(cohort_id).filter(pk__in=visible_cohorts(actor).values("pk")).first()
    if found is None:
        raise NotFound
    require(actor, rule, cohort_id)
    return found


def _check_run(actor: Actor, run_id: uuid.UUID | None) -> None:
    if run_id is not None and not visible_runs(actor).filter(pk=run_id).exists():
        raise UnknownRun(field="run_id")


def _write(cohort: Cohort, names: list[str] | None) -> None:
    """Insert the cohort, or update the named fields; the constraint decides about the name."""
    try:
        with transaction.atomic():
            if names is None:
                cohort.save(force_insert=True)
            else:
                cohort.save_fields(*names)
    except IntegrityError as error:
        if "one_cohort_per_name" not in str(error):
            raise
        raise CohortNameTaken(field="name", name=cohort.name) from error


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)


def _audit(actor: Actor, rule: Rule, cohort: Cohort, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor,
        action=rule.name,
        organization_id=current_organization().id,
        target=cohort,
        changes=changes,
    )
