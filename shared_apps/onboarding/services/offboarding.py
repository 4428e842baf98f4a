"""Delete an organization whose time is over, step by step, prove that it is gone, and sign the receipt.

Every step is safe to repeat and notes that it is done; whoever comes after a killed worker goes on behind the
last note. Nothing is deleted before an export is finished or waived, and the counts are taken.
"""

import uuid
from collections.abc import Callable
from typing import Any

import structlog

from billing.services.operators.subscriptions import do_cancel_live_subscription
from shared_apps.accounts.services.offboarding import do_end_all_memberships, do_erase_people_left_alone
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.fair_queue import fair_queue
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.services.sweeping import do_end_jobs
from shared_apps.onboarding.errors import DeletionIncomplete
from shared_apps.onboarding.models import Offboarding
from shared_apps.onboarding.services.last_export import do_settle_export
from shared_apps.onboarding.services.receipts import do_sign_receipt
from shared_apps.onboarding.services.remains import (
    PUBLIC_ROWS,
    count_remains,
    delete_public_rows,
    what_is_left,
)
from tenants.cache import forget_cached
from tenants.enums import OrganizationState, SchemaState
from tenants.models import Organization
from tenants.services.organizations import do_change_state, do_release_names, get_locked
from tenants.services.schemas import do_drop_schema, do_lock_schema
from tenants.storage import remove_all_files

log = structlog.get_logger(__name__)

ACTOR = system_actor("onboarding.offboarding")
# What a worker of the organization could still write while it is being deleted goes once more at the end.
_PEOPLES_TABLES = frozenset({"django_session", "accounts_refreshtoken", "accounts_personalaccesstoken"})


def continue_offboarding(*, organization_id: uuid.UUID) -> bool:
    """Take an organization whose grace is over as far towards its end as it goes now; return whether it is
    deleted. Safe to repeat, and after a kill anywhere.

    Raises:
        DeletionIncomplete: something is left of it; tried again by the next call.
        DatabaseError, OSError, redis.RedisError: a step failed; gone on with by the next call.
    """
    if not _begin(organization_id):
        return False
    for name, step in STEPS:
        with entry_transaction():
            is_done = name in _locked(organization_id)[1].steps
        if not is_done:
            step(organization_id)
    return True


def _begin(organization_id: uuid.UUID) -> bool:
    """Move a closing organization whose time is over to `deleting`; tell whether it is there."""
    with entry_transaction():
        organization, offboarding = _locked(organization_id)
        if organization.state == OrganizationState.DELETING:
            return True
        if organization.state != OrganizationState.CLOSING or clock.now() < offboarding.delete_after:
            return False
        offboarding.problem = do_settle_export(organization, offboarding)
        if offboarding.problem:
            log.error("deletion_waits", organization=str(organization_id), problem=offboarding.problem)
        else:
            do_change_state(organization, OrganizationState.DELETING, reason=organization.state_reason)
            _record(organization, "organizations.delete_begin", delete_after=str(offboarding.delete_after))
        offboarding.save_fields("problem")
        return not offboarding.problem


def _count(organization_id: uuid.UUID) -> None:
    found = count_remains(organization_id)
    with entry_transaction():
        _, offboarding = _locked(organization_id)
        # A second worker must not count again what the first has begun to delete.
        if "counted" not in offboarding.steps:
            offboarding.before = found
            _note(offboarding, "counted", "before")


def _end_people(organization_id: uuid.UUID) -> None:
    with entry_transaction():
        _, offboarding = _locked(organization_id)
        if "people_ended" in offboarding.steps:
            return
        do_cancel_live_subscription(actor=ACTOR, organization_id=organization_id)
        do_end_all_memberships(organization_id=organization_id)
        do_end_jobs(organization_id=organization_id)
        deleted = delete_public_rows(organization_id, tables=_PEOPLES_TABLES)
        erased = do_erase_people_left_alone(organization_id=organization_id)
        _note(offboarding, "people_ended", accounts_erased=erased, **deleted)


def _drop_schema(organization_id: uuid.UUID) -> None:
    with entry_transaction():
        _, offboarding = _locked(organization_id)
        schema = do_lock_schema(organization_id)
        if schema.state != SchemaState.DROPPED:
            do_drop_schema(schema)
        _note(offboarding, "schema_dropped")


def _remove_files(organization_id: uuid.UUID) -> None:
    remove_all_files(organization_id)
    with entry_transaction():
        _note(_locked(organization_id)[1], "files_removed")


def _release_names(organization_id: uuid.UUID) -> None:
    with entry_transaction():
        organization, offboarding = _locked(organization_id)
        if "names_released" in offboarding.steps:
            return
        do_release_names(organization)
        # What says who the customer's people were; the name stays, as on the books.
        organization.owner_email, organization.branding, organization.settings = "", {}, {}
        organization.creation_key = None
        organization.save_fields("owner_email", "branding", "settings", "creation_key")
        _note(offboarding, "names_released")


def _delete_rest(organization_id: uuid.UUID) -> None:
    with entry_transaction():
        _, offboarding = _locked(organization_id)
        tables = frozenset(each.table for each in PUBLIC_ROWS)
        _note(offboarding, "rows_deleted", **delete_public_rows(organization_id, tables=tables))


def _empty_queue(organization_id: uuid.UUID) -> None:
    """Drop the tasks that wait; after the rows of outbox and jobs, which would send them again."""
    tasks = fair_queue().forget(organization_id)
    with entry_transaction():
        _note(_locked(organization_id)[1], "queue_emptied", tasks=tasks)


def _forget_cache(organization_id: uuid.UUID) -> None:
    keys = forget_cached(organization_id)
    with entry_transaction():
        _note(_locked(organization_id)[1], "cache_forgotten", keys=keys)


def _prove(organization_id: uuid.UUID) -> None:
    """Look again at everything; then the receipt, and the end."""
    found = count_remains(organization_id)
    with entry_transaction():
        organization, offboarding = _locked(organization_id)
        if "proven" in offboarding.steps:
            return
        offboarding.after, left = found, what_is_left(found)
        offboarding.problem = "remains" if left else ""
        if left:
            # Somebody wrote after the steps: they are taken again by the next call.
            offboarding.steps = {name: at for name, at in offboarding.steps.items() if name in _TAKEN_ONCE}
            offboarding.save_fields("after", "problem", "steps")
        else:
            do_change_state(organization, OrganizationState.DELETED, reason=organization.state_reason)
            offboarding.deleted_at = clock.now()
            _note(offboarding, "proven", "after", "problem", "deleted_at")
            receipt = do_sign_receipt(offboarding)
            _record(organization, "organizations.deleted", slug=offboarding.slug, receipt=str(receipt.id))
    if left:
        raise DeletionIncomplete(", ".join(left))


STEPS: tuple[tuple[str, Callable[[uuid.UUID], None]], ...] = (
    ("counted", _count),
    ("people_ended", _end_people),
    ("schema_dropped", _drop_schema),
    ("files_removed", _remove_files),
    ("names_released", _release_names),
    ("rows_deleted", _delete_rest),
    ("queue_emptied", _empty_queue),
    ("cache_forgotten", _forget_cache),
    ("proven", _prove),
)
_TAKEN_ONCE = frozenset({"counted", "people_ended", "schema_dropped", "names_released"})


def _locked(organization_id: uuid.UUID) -> tuple[Organization, Offboarding]:
    """Return both rows, locked. An organization deleted by a release before this one has no offboarding: it
    is made, since that release asked for no export and no receipt."""
    organization = get_locked(organization_id)
    offboarding = (
        Offboarding.objects.select_for_update(no_key=True)
        .filter(organization_id=organization_id, kept_at=None)
        .first()
    )
    if offboarding is None:
        offboarding = Offboarding.objects.create(
            organization_id=organization_id,
            slug=organization.slug,
            name=organization.name,
            asked_by=ACTOR.label,
            reason=organization.state_reason,
            delete_after=clock.now(),
            waived_by=ACTOR.label,
            waiver="asked for before exports came first",
        )
    return organization, offboarding


def _note(offboarding: Offboarding, step: str, *fields: str, **facts: Any) -> None:
    offboarding.steps = {**offboarding.steps, step: {"at": clock.now().isoformat(), **facts}}
    offboarding.save_fields("steps", *fields)


def _record(organization: Organization, action: str, **facts: Any) -> None:
    do_record(actor=ACTOR, action=action, organization_id=organization.id, target=organization, changes=facts)
