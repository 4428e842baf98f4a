"""Change what the company knows of a person."""

import uuid
from datetime import date
from typing import TypedDict

from django.db import IntegrityError, transaction

from shared_apps.accounts.services.profiles import check_language, check_timezone
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.people.errors import EmployeeIdTaken, ManagerNotPossible
from tenant_apps.people.models import Member
from tenant_apps.people.policies import EDIT, visible_members
from tenant_apps.people.selectors.members import get_member
from tenants.context import current_organization


class MemberFacts(TypedDict, total=False):
    """Facts to write; those not named stay."""

    first_name: str
    last_name: str
    employee_id: str
    job_title: str
    department: str
    location: str
    timezone: str
    language: str
    starts_on: date | None
    manager_id: uuid.UUID | None


def update_member(*, actor: Actor, member_id: uuid.UUID, facts: MemberFacts) -> Member:
    """Write facts of a member and return it.

    Raises:
        NotFound: no such member here.
        EmployeeIdTaken: another member has the id.
        ManagerNotPossible: unknown, the member themself, or somebody who reports to them.
        UnknownTimezone, UnknownLanguage: malformed values.
    """
    with entry_transaction():
        require(actor, EDIT)
        member = (
            visible_members(actor).select_for_update(no_key=True, of=("self",)).filter(pk=member_id).first()
        )
        if member is None:
            raise NotFound
        if facts.get("timezone"):
            check_timezone(facts["timezone"])
        if facts.get("language"):
            check_language(facts["language"])
        if facts.get("manager_id") is not None:
            _check_manager(member, facts["manager_id"])
        changes = _apply(member, facts)
        if changes:
            _save(member, list(changes))
            do_record(
                actor=actor,
                action=EDIT.name,
                organization_id=current_organization().id,
                target=member,
                changes=changes,
            )
        return get_member(actor, member_id)


def _apply(member: Member, facts: MemberFacts) -> dict[str, list[object]]:
    changes: dict[str, list[object]] = {}
    for name, value in facts.items():
        before = getattr(member, name)
        if before != value:
            changes[name] = [_plain(before), _plain(value)]
            setattr(member, name, value)
    return changes


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)


def _save(member: Member, names: list[str]) -> None:
    try:
        with transaction.atomic():
            member.updated_at = clock.now()
            member.save(update_fields=[*names, "updated_at"])
    except IntegrityError as error:
        if "one_member_per_employee_id" in str(error):
            raise EmployeeIdTaken(field="employee_id") from error
        raise


def _check_manager(member: Member, manager_id: uuid.UUID | None) -> None:
    """Two edits at once could still close a circle; readers of the tree end at one, so nothing hangs."""
    seen = {member.pk}
    above = manager_id
    while above is not None:
        if above in seen:
            raise ManagerNotPossible(field="manager_id")
        seen.add(above)
        row = Member.objects.filter(pk=above).values_list("manager_id").first()
        if row is None:
            raise ManagerNotPossible(field="manager_id")
        above = row[0]
