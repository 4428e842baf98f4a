"""Deleting for good: nothing before an export, nothing left after, wherever it is killed, and a receipt."""

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.enums import ChangeKind, ChangeState
from billing.models import Subscription, SubscriptionChange
from billing.services.changes.making import make_change, resend_changes
from billing.services.operators.subscriptions import cancel_subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Invitation, Membership, RefreshToken, SignIn, User
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive
from shared_apps.archives.services.keeping import open_archive, run_export
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.fair_queue import Task, fair_queue
from shared_apps.core.signing import public_key
from shared_apps.idempotency.models import RememberedAnswer
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import do_create_job
from shared_apps.onboarding.errors import DeletionIncomplete, ReceiptNotValid
from shared_apps.onboarding.models import DeletionReceipt, Offboarding
from shared_apps.onboarding.selectors.offboarding import ids_to_offboard
from shared_apps.onboarding.services.lifecycle import delete_organization, waive_export
from shared_apps.onboarding.services.offboarding import continue_offboarding
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.services.receipts import check_receipt, document_of
from shared_apps.onboarding.services.remains import PUBLIC_ROWS
from shared_apps.onboarding.tasks import offboard
from shared_apps.onboarding.types import NewOrganization
from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_organization, in_public
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import NameNotAvailable
from tenants.models import Domain, DomainClaim, Organization, TenantSchema
from tests.billing.changing import subscribed
from tests.billing.conftest import Account, account_of, server
from tests.fakes.stripe import Fault
from tests.shared_apps.onboarding.test_provisioning import empty_the_pool, killed_at
from tests.support.client import Caller
from tests.support.seed import make_member
from tests.support.subscriptions import make_subscription

__all__ = ["account_of", "server"]  # fixtures

SYSTEM = system_actor("test")
NEIGHBOUR = uuid.uuid4()
NOW: dict[str, Any] = {"grace_days": 0, "export_waiver": "a test account"}


def make_initech() -> Organization:
    """Return an organization with something of every kind, whose schema and role were made in this very
    database."""
    empty_the_pool()
    made = provision_organization(
        actor=SYSTEM,
        request=NewOrganization(name="Initech", slug="initech", owner_email="owner@initech.example"),
        creation_key="initech-1",
    )
    make_member(made, email="owner@initech.example", role=Role.OWNER)
    make_member(made, email="owner@acme.example")  # belongs to Acme as well
    make_subscription(made, 3)
    owner = User.objects.get(email="owner@initech.example")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    person = Membership.objects.get(organization=made, user=owner)
    family = SignIn.objects.create(user=owner, organization=made, membership=person, session_key="s" * 32)
    RefreshToken.objects.create(sign_in=family, token_hash=b"r" * 32, expires_at=clock.now())
    RememberedAnswer.objects.create(organization_id=made.id, caller="c", key="k", request_hash=b"h")
    DomainClaim.objects.create(organization=made, domain="learn.initech.example", token="t")
    with transaction.atomic():
        do_create_job("test.work", organization_id=made.id, arguments={}, created_by=SYSTEM)
    with in_organization(made):
        default_storage.save("course/a.txt", ContentFile(b"text"))
        cache.set("colour", "red")
    queue = fair_queue()
    for organization, wait in ((made.id, 0), (made.id, 3600), (NEIGHBOUR, 0)):
        queue.put(Task("test.work", str(organization)), wait_seconds=wait)
    return made


def left_of(organization: Organization) -> tuple[int, int, bool, int]:
    """Return how many schemas and roles of its name there are, whether its folder is, and its cache keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [organization.schema_name])
        schemas = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [organization.schema_name])
        roles = cursor.fetchone()[0]
    client = cache._cache.get_client(None)  # type: ignore[attr-defined]
    keys = [key for key in client.scan_iter(count=1000) if organization.id.hex.encode() in key]
    folder = Path(settings.MEDIA_ROOT) / organization.id.hex
    return schemas, roles, folder.exists(), len(keys)


@pytest.mark.feature("TEN-08")
@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "never",
        "do_end_all_memberships",
        "do_drop_schema",
        "remove_all_files",
        "do_release_names",
        "fair_queue",
        "forget_cached",
        "do_sign_receipt",
    ],
)
def test_deletion_leaves_nothing_wherever_it_is_killed(place: str, committed: None) -> None:
    made = make_initech()
    assert left_of(made) == (1, 1, True, 1)
    queue = fair_queue()
    assert queue.count_left(made.id) == 3  # that of its job too
    neighbour = Organization.objects.get(slug="acme")
    with in_organization(neighbour):
        cache.set("colour", "blue")

    delete_organization(
        actor=SYSTEM, organization_id=made.id, confirm="initech", reason="contract ended", **NOW
    )
    if place != "never":
        killed_at(f"deleting: {place}", str(made.id))
        made.refresh_from_db()
        assert made.state == OrganizationState.DELETING
        assert Caller("initech.palaestra.test").get("/api/v1/x").json()["code"] == "host_not_found"
        assert not DeletionReceipt.objects.exists()
    offboard()
    offboard()

    made.refresh_from_db()
    assert made.state == OrganizationState.DELETED
    assert left_of(made) == (0, 0, False, 0)
    assert TenantSchema.objects.get(id=made.id).state == SchemaState.DROPPED
    for model in (SignIn, Invitation, DomainClaim):
        assert not model.objects.filter(organization=made).exists(), model
    for loose in (Job, OutboxMessage, RememberedAnswer):
        assert not loose.objects.filter(organization_id=made.id).exists(), loose
    assert not Domain.objects.filter(tenant=made).exists()
    assert not RefreshToken.objects.filter(token_hash=b"r" * 32).exists()
    assert set(Membership.objects.filter(organization=made).values_list("status", flat=True)) == {"removed"}
    assert Subscription.objects.get(organization=made).status == "canceled"
    assert (made.owner_email, made.creation_key, made.name) == ("", None, "Initech")
    assert AuditEvent.objects.filter(action="organizations.deleted", organization_id=made.id).count() == 1

    receipt = DeletionReceipt.objects.get(organization_id=made.id)
    statement = check_receipt(json.dumps(document_of(receipt)).encode(), trusted_key=public_key())
    assert statement["before"]["files"] == 1
    assert statement["before"]["rows"] > 0
    assert (statement["before"]["tables"]["people_member"], statement["after"]["tables"]) == (2, {})
    counts = statement["after"]
    assert [counts[name] for name in ("schemas", "roles", "rows", "files", "file_bytes", "cache_keys")] == [
        0
    ] * 6
    assert (statement["before"]["waiting_tasks"], counts["waiting_tasks"]) == (3, 0)
    assert statement["steps"]["queue_emptied"]["tasks"] == 3
    assert (queue.count_left(made.id), queue.count_left(NEIGHBOUR)) == (0, 1)
    queue.forget(NEIGHBOUR)
    assert all(counts["public"][each.table] == 0 for each in PUBLIC_ROWS if not each.kept)
    assert statement["export"] == {"state": "waived", "by": "system:test", "why": "a test account"}
    kept = {row["table"]: row["rows"] for row in statement["kept"]}
    assert (kept["accounts_membership"], kept["billing_subscription"]) == (2, 1)
    assert all(row["why"] for row in statement["kept"])
    # The neighbour has all it had.
    neighbour.refresh_from_db()
    assert neighbour.state == OrganizationState.TRIAL
    with in_organization(neighbour):
        assert cache.get("colour") == "blue"
    assert ids_to_offboard() == []


@pytest.mark.feature("TEN-08")
def test_people_left_without_any_organization_are_erased_and_others_are_not(committed: None) -> None:
    made = make_initech()
    operator = User.objects.create_user("ops@palaestra.example", is_staff=True)
    Membership.objects.create(organization=made, user=operator, status=MembershipStatus.ACTIVE)
    alone = User.objects.get(email="owner@initech.example")
    shared = User.objects.get(email="owner@acme.example")
    delete_organization(actor=SYSTEM, organization_id=made.id, confirm="initech", **NOW)
    assert continue_offboarding(organization_id=made.id) is True
    for user in (alone, shared, operator):
        user.refresh_from_db()
    assert (alone.email, alone.name, alone.is_active) == (f"erased-{alone.id}@erased.invalid", "", False)
    assert not alone.has_usable_password()
    assert not EmailAddress.objects.filter(user=alone).exists()
    assert (shared.email, shared.is_active) == ("owner@acme.example", True)
    assert (operator.email, operator.is_active) == ("ops@palaestra.example", True)
    steps = Offboarding.objects.get(organization_id=made.id).steps
    assert steps["people_ended"]["accounts_erased"] == 1


@pytest.mark.feature("TEN-08")
def test_nothing_is_deleted_before_an_export_is_finished_or_waived(acme: Organization) -> None:
    early = Archive.objects.create(
        organization=acme,
        state=ArchiveState.READY,
        keep_seconds=1,
        created_at=clock.now() - timedelta(days=1),
    )
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", grace_days=1)
    offboarding = Offboarding.objects.get(organization_id=acme.id)
    with clock.frozen_at(clock.now() + timedelta(days=2)), in_public():
        assert ids_to_offboard() == [acme.id]
        # The archive of before the end does not count: somebody wrote after it.
        assert continue_offboarding(organization_id=acme.id) is False
        offboarding.refresh_from_db()
        assert (offboarding.problem, offboarding.export) == ("export_unfinished", {})
        acme.refresh_from_db()
        assert acme.state == OrganizationState.CLOSING
        asked = Archive.objects.exclude(pk=early.pk).get()
        asked.state, asked.sha256, asked.size = ArchiveState.READY, "a" * 64, 12
        asked.save_fields("state", "sha256", "size")
        assert continue_offboarding(organization_id=acme.id) is True
    offboarding.refresh_from_db()
    assert (offboarding.problem, offboarding.export["sha256"]) == ("", "a" * 64)
    receipt = DeletionReceipt.objects.get(organization_id=acme.id)
    assert json.loads(receipt.statement)["export"]["archive"] == str(asked.id)


def test_a_failed_export_is_asked_for_again_and_a_waiver_ends_the_waiting(acme: Organization) -> None:
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", grace_days=1)
    Archive.objects.update(state=ArchiveState.FAILED)
    Job.objects.update(state="failed")
    with clock.frozen_at(clock.now() + timedelta(days=1, minutes=1)), in_public():
        assert continue_offboarding(organization_id=acme.id) is False
        assert continue_offboarding(organization_id=acme.id) is False
        # Asked again once: the second look came within the hour.
        assert Archive.objects.filter(organization=acme, state=ArchiveState.BUILDING).count() == 1
        waive_export(actor=SYSTEM, organization_id=acme.id, reason="the customer has its own copy")
        assert continue_offboarding(organization_id=acme.id) is True
    receipt = json.loads(DeletionReceipt.objects.get(organization_id=acme.id).statement)
    assert receipt["export"]["why"] == "the customer has its own copy"


def test_what_a_late_worker_wrote_stops_the_receipt_and_is_deleted_by_the_next_look(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", **NOW)
    late: list[OutboxMessage] = []

    def write_late(organization_id: Any) -> int:
        if not late:
            late.append(OutboxMessage.objects.create(organization_id=acme.id, topic="mail.send"))
        return 0

    monkeypatch.setattr("shared_apps.onboarding.services.offboarding.forget_cached", write_late)
    with pytest.raises(DeletionIncomplete, match="outbox_outboxmessage"):
        continue_offboarding(organization_id=acme.id)
    offboarding = Offboarding.objects.get(organization_id=acme.id)
    assert (offboarding.problem, offboarding.deleted_at) == ("remains", None)
    counted = offboarding.before
    assert not DeletionReceipt.objects.exists()
    assert continue_offboarding(organization_id=acme.id) is True
    offboarding.refresh_from_db()
    assert (offboarding.problem, offboarding.before) == ("", counted)
    assert not OutboxMessage.objects.filter(organization_id=acme.id).exists()


def test_a_task_that_waits_for_later_stops_the_receipt_until_it_is_dropped(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", **NOW)
    late: list[Task] = []

    def put_late(organization_id: Any) -> int:
        if not late:
            late.append(Task("test.work", str(acme.id)))
            fair_queue().put(late[0], wait_seconds=3600)
        return 0

    monkeypatch.setattr("shared_apps.onboarding.services.offboarding.forget_cached", put_late)
    with pytest.raises(DeletionIncomplete, match="waiting_tasks"):
        continue_offboarding(organization_id=acme.id)
    assert fair_queue().count_left(acme.id) == 1
    assert continue_offboarding(organization_id=acme.id) is True
    assert fair_queue().count_left(acme.id) == 0
    assert Offboarding.objects.get(organization_id=acme.id).steps["queue_emptied"]["tasks"] == 1


def test_an_organization_that_was_never_open_goes_without_grace(committed: None) -> None:
    empty_the_pool()
    made = Organization.objects.create(
        name="Half", slug="half", schema_name="t_half", owner_email="o@half.example", state="provisioning"
    )
    deleted = delete_organization(actor=SYSTEM, organization_id=made.id, confirm="half")
    assert deleted.state == OrganizationState.DELETING
    assert continue_offboarding(organization_id=made.id) is True


def test_a_deletion_begun_by_an_older_release_is_finished(acme: Organization) -> None:
    acme.state = OrganizationState.DELETING
    acme.save_fields("state")
    assert continue_offboarding(organization_id=acme.id) is True
    assert DeletionReceipt.objects.filter(organization_id=acme.id).count() == 1


@pytest.mark.feature("TEN-08")
def test_a_released_name_rests_and_then_is_free_and_gets_another_schema(committed: None) -> None:
    gone = make_initech()
    delete_organization(actor=SYSTEM, organization_id=gone.id, confirm="initech", **NOW)
    continue_offboarding(organization_id=gone.id)
    again = NewOrganization(name="New", slug="initech", owner_email="x@new.example")
    lookalike = NewOrganization(name="New", slug="ln-itech", owner_email="x@new.example")
    for resting in (again, lookalike):
        with pytest.raises(NameNotAvailable):
            provision_organization(actor=SYSTEM, request=resting)
    after = clock.now() + settings.RELEASED_NAME_QUARANTINE + timedelta(minutes=1)
    with clock.frozen_at(after), in_public():
        made = provision_organization(actor=SYSTEM, request=again)
    assert made.slug == "initech"
    assert made.schema_name != gone.schema_name


def test_every_shared_table_with_an_organization_has_a_fate(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name IN ('organization_id', 'tenant_id')"
        )
        found = {row[0] for row in cursor.fetchall()}
    known = {each.table for each in PUBLIC_ROWS}
    assert sorted(found - known) == [], "say in services/remains.py whether these go or stay, and why"


@pytest.fixture
def receipt(acme: Organization) -> dict[str, Any]:
    """The receipt of Acme as it is handed out."""
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", **NOW)
    continue_offboarding(organization_id=acme.id)
    return document_of(DeletionReceipt.objects.get(organization_id=acme.id))


@pytest.mark.feature("TEN-08")
@pytest.mark.parametrize(
    ("label", "change"),
    [
        ("a count", lambda document: document["statement"]["after"].update(rows=7)),
        ("a name", lambda document: document["statement"]["organization"].update(name="Globex")),
        ("the signature", lambda document: document.update(signature="A" * 86 + "==")),
        ("no signature", lambda document: document.pop("signature")),
        ("another kind", lambda document: document["statement"].update(kind="something")),
    ],
)
def test_a_receipt_that_was_changed_is_not_valid(
    label: str, change: Callable[[dict[str, Any]], Any], receipt: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt, indent=2), encoding="utf-8")
    call_command("verify_receipt", str(file), public_key=public_key())
    change(receipt)
    file.write_text(json.dumps(receipt), encoding="utf-8")
    with pytest.raises(CommandError, match="not valid"):
        call_command("verify_receipt", str(file), public_key=public_key())


def test_a_receipt_of_another_key_is_not_valid_whatever_key_it_brings_along(receipt: dict[str, Any]) -> None:
    document = json.dumps(receipt).encode()
    with pytest.raises(ReceiptNotValid):
        check_receipt(document, trusted_key="A" * 43 + "=")
    with pytest.raises(ReceiptNotValid):
        check_receipt(b"no receipt", trusted_key=public_key())


@pytest.mark.feature("TEN-08")
def test_the_real_export_comes_first_and_outlives_the_organization(committed: None) -> None:
    made = make_initech()
    operator = User.objects.create_user("ops@palaestra.example", is_staff=True)
    actor = Actor(kind=ActorKind.OPERATOR, user_id=operator.id, label=operator.email)
    delete_organization(actor=actor, organization_id=made.id, confirm="initech", grace_days=1)
    archive = Archive.objects.get(organization=made)
    with clock.frozen_at(clock.now() + timedelta(days=1, minutes=1)), in_public():
        offboard()
        made.refresh_from_db()
        assert made.state == OrganizationState.CLOSING
        run_export(job_id=str(archive.job_id), organization_id=str(made.id))
        offboard()
        made.refresh_from_db()
        assert made.state == OrganizationState.DELETED
        archive.refresh_from_db()
        assert (archive.state, archive.files) == (ArchiveState.READY, 1)
        statement = json.loads(DeletionReceipt.objects.get(organization_id=made.id).statement)
        assert statement["export"]["sha256"] == archive.sha256
        # Who deleted it still gets the archive, until its time is over.
        with open_archive(archive) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == archive.sha256
        assert archive.expires_at is not None
        assert archive.expires_at - clock.now() > timedelta(days=29)


@pytest.mark.feature("SUB-06")
@pytest.mark.slow
def test_nobody_is_charged_for_an_organization_that_was_deleted(
    committed: None, account_of: Callable[[Organization], Account]
) -> None:
    made = make_initech()
    cancel_subscription(actor=SYSTEM, subscription_id=Subscription.objects.get(organization=made).id)
    account = account_of(made)
    ref = str(subscribed(account, 4).gateway_ref)
    delete_organization(
        actor=SYSTEM, organization_id=made.id, confirm="initech", reason="contract ended", **NOW
    )
    assert account.gateway.look_subscription(ref).status == "active", "within the grace it may come back"
    offboard()
    offboard()
    made.refresh_from_db()
    assert made.state == OrganizationState.DELETED
    # Closing had it end with its period; the end at once came before that was made.
    ending, change = SubscriptionChange.objects.filter(organization=made).order_by("id")
    assert (ending.kind, ending.problem) == (ChangeKind.CANCEL, "superseded")
    assert (change.kind, change.state) == (ChangeKind.END, ChangeState.REQUESTED)
    # The gateway is away when the job first runs.
    account.server.faults.order(Fault.ERROR_BEFORE, "delete", times=3)
    assert make_change(change.id) == ChangeState.REQUESTED
    with clock.frozen_at(clock.now() + timedelta(minutes=2)):
        assert resend_changes() == 1
    assert make_change(change.id) == ChangeState.CONFIRMED
    assert account.gateway.look_subscription(ref).status == "canceled"
    assert Subscription.objects.get(gateway_ref=ref).status == "canceled"
    assert len(account.server.account.all("invoice")) == 1
