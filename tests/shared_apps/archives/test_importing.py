"""An archive becomes an organization: as it was, whole or not at all, and beside a live one without money."""

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.archives.content.reading import verify
from shared_apps.archives.errors import ArchiveRefused, ImportDiffers, SignatureNotTrusted
from shared_apps.archives.services import importing, loading
from shared_apps.archives.services.importing import Imported, import_archive, trusted_keys
from shared_apps.core import clock, signing
from shared_apps.core.actors import Role, system_actor
from tenant_apps.learning.models import LessonRecord
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.enums import OrganizationState
from tenants.errors import NameNotAvailable
from tenants.models import Organization, TenantSchema
from tenants.selectors.hosts import forget_cached_hosts
from tests.api.isolation import path_ids
from tests.shared_apps.archives.conftest import FILE
from tests.support.client import caller_as
from tests.support.database import _admin, _use, worker_database
from tests.support.operations import operations_of
from tests.support.world import World, checksums, tenant_models

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

_ACTOR = system_actor("test")
Pack = Callable[[], bytes]

# What is of the caller's own sign-in, or does not travel: secrets and names of files that stay.
_NOT_COMPARED = {
    "auth_sign_ins_list": "sign-ins are good for the installation that gave them",
    "auth_tokens_list": "tokens are secrets",
    "archives_list": "archives stay",
    "archives_retrieve": "archives stay",
    "archives_link": "archives stay",
    "archives_download": "archives stay",
    "auth_csrf_retrieve": "a secret made at each call",
    "files_link": "a signature made at each call",
    "files_download": "behind a signature",
    "domains_list": "each installation has the domains that were proved to it",
    "domains_retrieve": "each installation has the domains that were proved to it",
    "billing_account_show": "the contract with the gateway stays",
    "billing_checkouts_retrieve": "the contract with the gateway stays",
    "billing_changes_list": "the contract with the gateway stays",
    "billing_changes_retrieve": "the contract with the gateway stays",
    "billing_subscription_show": "the contract with the gateway stays",
    "billing_prices_list": "what an installation sells",
    "billing_invoices_list": "invoices stay with who made them",
    "billing_invoices_retrieve": "invoices stay with who made them",
    "billing_ledger_list": "posted anew where the seats come",
    "billing_statements_list": "statements stay with the invoices they explain",
    "billing_statements_retrieve": "statements stay with the invoices they explain",
    "billing_statements_current": "reckoned from the ledger, which begins anew",
    "billing_statements_people": "statements stay with the invoices they explain",
    "billing_statements_file": "statements stay with the invoices they explain",
}

_REQUEST_ID = re.compile(rb'"request_id":"[0-9a-f]+"')


def _import(archive: bytes, **options: Any) -> Imported:
    return import_archive(
        actor=_ACTOR, source=io.BytesIO(archive), trusted=options.pop("trusted", trusted_keys()), **options
    )


@pytest.fixture
def elsewhere(committed: None, settings: Any, tmp_path: Any) -> Iterator[Callable[[], None]]:
    """Return a function that moves the test to an empty installation: database, files and key of its own."""
    name = f"{worker_database()}_elsewhere"

    def move() -> None:
        with _admin() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connections.close_all()
        _use(name)
        settings.MEDIA_ROOT = tmp_path / "elsewhere"
        settings.SIGNING_KEY = "another-installation-0123456789-0123456789"
        call_command("migrate", verbosity=0, interactive=False)
        forget_cached_hosts()
        assert Organization.objects.count() == User.objects.count() == 0

    yield move
    connections.close_all()
    _use(worker_database())
    with _admin() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _id_in(ids: dict[str, uuid.UUID], parameter: dict[str, Any]) -> uuid.UUID:
    return ids[parameter["name"]]


def _answers(world: World, membership: Membership) -> dict[str, tuple[int, bytes]]:
    """Return what every reading operation answers to the member."""
    found = {}
    client = caller_as(membership, world.organization)
    for operation in operations_of("tenant"):
        if operation.method != "get" or operation.id in _NOT_COMPARED:
            continue
        ids = path_ids(operation, world)
        url = operation.url(partial(_id_in, ids))
        if operation.id == "my_lessons_retrieve":
            url = url.replace(str(world.ids["lessons"]), str(world.ids["published_lessons"]))
        response = client.get(url)
        body = b"".join(response) if response.streaming else response.content
        if response.status_code != 200:  # a refusal names its request
            body = _REQUEST_ID.sub(b'"request_id":""', body)
        found[operation.id] = (response.status_code, body)
    return found


@pytest.mark.feature("TEN-08")
@pytest.mark.feature("M01")
def test_every_answer_is_the_same_in_an_empty_installation(
    world: World, packed: Pack, elsewhere: Callable[[], None], settings: Any
) -> None:
    # given all that an admin and a learner can read, and an archive
    world.ids.pop("jobs")
    from shared_apps.jobs.enums import JobState
    from shared_apps.jobs.models import Job

    Job.objects.filter(organization_id=world.organization.id).update(state=JobState.SUCCEEDED)
    world.ids["jobs"] = Job.objects.filter(organization_id=world.organization.id).latest("id").id
    learner = Membership.objects.get(pk=world.ids["members"])
    instant = clock.now()

    def ask() -> dict[str, dict[str, tuple[int, bytes]]]:
        # Each look at a lesson counts, so each round begins at the same count. That the archive carries the
        # count is seen in the checksum of its table, which is taken before it is set again.
        with in_organization(world.organization):
            LessonRecord.objects.update(view_count=0)
        with clock.frozen_at(instant):  # reading a lesson notes when it was read
            return {who.role: _answers(world, who) for who in (world.owner, learner)}

    ask()
    before = ask()
    tables, key = checksums(world.organization), signing.public_key()
    people = User.objects.filter(memberships__organization=world.organization).count()
    archive = packed()
    # when it is imported where nobody is
    elsewhere()
    with pytest.raises(SignatureNotTrusted):
        _import(archive)
    assert Organization.objects.count() == 0
    made = _import(archive, trusted=[key])
    # then ids, rows and files are the same
    assert made.organization_id == world.organization.id
    assert (made.ids_changed, made.users_found, made.users_made) == (0, 0, people)
    same = {name for name, value in checksums(world.organization).items() if value == tables[name]}
    assert set(tables) - same <= {
        "accounts.SignIn",
        "archives.Archive",
        "tenants.DomainClaim",
        "usage.DailyUsage",
        "accounts.PersonalAccessToken",
        "accounts.Invitation",
        "billing.BillingAccount",
        "billing.Checkout",
        "billing.SubscriptionInvoice",
    }
    with in_organization(world.organization):
        assert default_storage.open("files/0123456789abcdef.pdf").read() == FILE
    # and so is every answer, byte for byte
    after = ask()
    assert len(before[Role.OWNER]) >= 30
    assert sum(status == 200 for status, _ in before[Role.OWNER].values()) >= 30
    for role, answers in before.items():
        differing = [name for name, answer in answers.items() if after[role][name] != answer]
        # what was used stays where it was used
        assert set(differing) <= {"audit_list", "usage_show"}, {
            name: (answers[name], after[role][name]) for name in differing
        }
        # the audit log has grown by the import itself and the exports asked for, and is else the same
        old = json.loads(answers["audit_list"][1]).get("results", [])
        new = json.loads(after[role]["audit_list"][1]).get("results", [])
        grown = [row for row in new if row not in old]
        assert {row["action"] for row in grown} <= {"archives.import", "courses.export"}
        assert [row for row in new if row not in grown] == old
    # nobody can sign in with a password or a link of the old installation
    assert not any(user.has_usable_password() for user in User.objects.all())
    assert not User.objects.filter(is_staff=True).exists()
    # and a second time the name is taken
    with pytest.raises(NameNotAvailable):
        _import(archive, trusted=[key])


def test_import_under_another_name_beside_the_original(world: World, packed: Pack) -> None:
    # given
    archive, before = packed(), checksums(world.organization)
    # when
    made = _import(archive, slug="beside")
    # then people are the same, everything else has ids of its own, and nothing of the original moved
    copy = Organization.objects.get(pk=made.organization_id)
    assert copy.id != world.organization.id
    assert made.users_made == 0
    assert made.users_found == Membership.objects.filter(organization=world.organization).count()
    assert checksums(world.organization) == before
    counts = {}
    for one in (world.organization, copy):
        with in_organization(one):
            counts[one.slug] = {
                model._meta.label: model._default_manager.count() for model in tenant_models()
            }
    assert counts["acme"] == counts["beside"]
    theirs = set(Membership.objects.filter(organization=copy).values_list("id", flat=True))
    with in_organization(copy):
        assert set(Member.objects.values_list("membership_id", flat=True)) == theirs
    assert Membership.objects.filter(organization=world.organization, id__in=theirs).count() == 0
    assert Invitation.objects.filter(organization=copy).count() == 1


@pytest.mark.feature("TEN-08")
def test_restored_copy_is_closed_and_touches_no_money(world: World, packed: Pack, tmp_path: Any) -> None:
    # given an archive, and a live organization that went on
    archive = tmp_path / "acme.archive"
    archive.write_bytes(packed())
    with in_organization(world.organization):
        Member.objects.filter(pk=world.ids["members"]).update(first_name="Later")
    before, money = checksums(world.organization), _money()
    # when
    call_command("restore_organization", archive=archive, slug="acme-before", verbosity=0)
    # then
    assert _money() == money
    assert checksums(world.organization) == before
    copy = Organization.objects.get(slug="acme-before")
    assert (copy.state, copy.suspension) == (OrganizationState.SUSPENDED, "full")
    names = {}
    for one in (world.organization, copy):
        with in_organization(one):
            names[one.slug] = set(Member.objects.values_list("first_name", flat=True))
    assert "Later" in names["acme"]
    assert "MARKED" in names["acme-before"]
    owner = Membership.objects.get(organization=copy, role=Role.OWNER)
    assert caller_as(owner, copy).get("/api/v1/courses").json()["code"] == "organization_suspended"


def _money() -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with in_public(), connection.cursor() as cursor:
        for table in ("billing_plan", "billing_subscription", "billing_seatassignment"):
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            found[table] = cursor.fetchall()
    return found


@pytest.mark.parametrize("at", ["rows", "compare", "audit"])
def test_import_that_ends_half_way_leaves_nothing(
    world: World, packed: Pack, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    # given an import that is killed in the middle of the rows, before the comparison, or at its end
    archive = packed()
    before = (
        Organization.objects.count(),
        TenantSchema.objects.count(),
        Membership.objects.count(),
        _schemas(),
    )
    name = {"rows": "load_rows", "compare": "compare_rows", "audit": "do_record"}[at]
    real, calls = getattr(importing, name), []

    def die(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if at == "audit" or len(calls) == 9:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(importing, name, die)
    # when
    with pytest.raises(KeyboardInterrupt):
        _import(archive, slug="half")
    monkeypatch.undo()
    # then
    assert before == (
        Organization.objects.count(),
        TenantSchema.objects.count(),
        Membership.objects.count(),
        _schemas(),
    )
    assert _import(archive, slug="half").slug == "half"


def test_rows_that_changed_on_the_way_are_noticed(
    world: World, packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a database that stores something else than it was given
    archive, real = packed(), loading.load_rows

    def spoil(load: Any, table: Any, portable: Any, member: Any) -> None:
        real(load, table, portable, member)
        if table.name == "courses_course":
            load.raw.execute(f"UPDATE \"{load.schema}\".courses_course SET title = title || '!'")

    monkeypatch.setattr(importing, "load_rows", spoil)
    # then
    with pytest.raises(ImportDiffers) as refused:
        _import(archive, slug="spoiled")
    assert refused.value.facts["table"] == "courses_course"
    assert not Organization.objects.filter(slug="spoiled").exists()


def test_archive_of_another_version_of_the_tables_is_refused(
    world: World, packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed()
    level = verify(io.BytesIO(archive), trusted=trusted_keys()).header["schema"]["level"]
    monkeypatch.setattr(importing, "template_version", lambda: "another")
    for here, problem in ((level - 1, "newer_schema"), (level + 1, "older_schema")):
        monkeypatch.setattr(importing, "template_level", lambda here=here: here)
        with pytest.raises(ArchiveRefused) as refused:
            _import(archive, slug="version")
        assert (refused.value.facts["problem"], refused.value.facts["level"]) == (problem, level)


def _schemas() -> set[str]:
    found = connections["default"].settings_dict
    with psycopg.connect(
        dbname=found["NAME"], user=found["USER"], host=found["HOST"], port=found["PORT"]
    ) as own:
        return {row[0] for row in own.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'")}
