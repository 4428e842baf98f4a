"""Two organizations that differ in nothing but their marks: every tenant table holds the same ids in both.

Whatever confuses the two then finds a row, and shows the other's mark. ALPHAMARK is everywhere in Acme,
BRAVOMARK in Globex; tests/isolation/test_twins.py fails for a table or a text column that holds none.
"""

import uuid
from dataclasses import dataclass

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import CharField, JSONField, Model, TextField

from shared_apps.accounts.models import Membership, User
from tenant_apps.media.models import StoredFile
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.selectors.hosts import forget_cached_hosts
from tenants.storage import remove_all_files
from tests.support.world import World, build_world, tenant_models

MARK_A, MARK_B = "ALPHAMARK", "BRAVOMARK"
FILE_KEY, CACHE_KEY = "twins/one-name.pdf", "twins-one-key"

# Text that must have a form of its own, so that it cannot carry a mark: column -> why.
FORMED = {
    "sha256": "a hash",
    "content_hash": "a hash",
    "file_sha256": "a hash",
    "timezone": "a zone of the tz database",
    "language": "a language tag",
    "content_type": "a media type",
    "storage_key": "one name in both, so that the folder alone keeps the files apart",
    "encoding": "a codec",
    "delimiter": "one character",
    "embed_url": "an address of an allowed host",
    "result_code": "a word of the API",
    "email": "an address; the learner's holds the mark",
    "digest": "a hash",
    "archived_from": "a word of the states of courses",
    "currency": "a code of ISO 4217",
    "price_currency": "a code of ISO 4217",
    "colour": "seven characters",
    "starts_local": "a wall time",
    "ends_local": "a wall time",
    "enrollment_opens_local": "a wall time",
    "enrollment_closes_local": "a wall time",
    "opens_local": "a wall time",
    "due_local": "a wall time",
    "caption_languages": "language tags",
    "flags": "words of a closed set",
    "release": "a rule of closed words, instants and days",
    "due": "a rule of closed words, instants and days",
    "requires": "lineages of units",
    "editor_ids": "ids of members",
}


@dataclass(frozen=True)
class Twins:
    """The organization that asks, and the one nothing may be seen or changed of.

    Attributes:
        needles: texts that stand in everything of B and in nothing of A.
    """

    a: World
    b: World
    needles: tuple[str, ...]


def build_twins(acme: Organization, globex: Organization) -> Twins:
    """Fill both; call in the shared schema."""
    a, b = build_world(acme, MARK_A), build_world(globex, MARK_B)
    for world in (a, b):
        _mark_shared(world)
    with transaction.atomic():
        _mark_texts(acme)
        _copy_rows(acme, globex)
    b.ids |= {kind: key for kind, key in a.ids.items() if kind in _tenant_kinds(a)}
    for world in (a, b):
        with in_organization(world.organization):
            for name in {FILE_KEY, StoredFile.objects.get(pk=a.ids["files"]).storage_key}:
                default_storage.delete(name)
                default_storage.save(name, ContentFile(f"%PDF {world.mark}".encode()))
            cache.set(CACHE_KEY, world.mark)
    forget_cached_hosts()
    return Twins(a, b, _needles(b))


def remove_files(twins: Twins) -> None:
    """Remove what the twins stored: files outlive a test's transaction."""
    for world in (twins.a, twins.b):
        remove_all_files(world.organization.id)


def unmarked_columns(organization: Organization, mark: str) -> list[str]:
    """Return the free text columns of tenant tables in which the mark stands nowhere."""
    missing = []
    with in_organization(organization), connection.cursor() as cursor:
        for model in tenant_models():
            for column in _text_columns(model):
                cursor.execute(
                    f'SELECT 1 FROM "{model._meta.db_table}" WHERE "{column}"::text ILIKE %s LIMIT 1',
                    [f"%{mark}%"],
                )
                if cursor.fetchone() is None:
                    missing.append(f"{model._meta.label}.{column}")
    return missing


def ids_that_differ(twins: Twins) -> list[str]:
    """Return tenant tables whose keys in A are not in B."""
    wrong = []
    for model in tenant_models():
        keys = []
        for world in (twins.a, twins.b):
            with in_organization(world.organization):
                keys.append(set(model._default_manager.values_list("pk", flat=True)))
        if not keys[0] or not keys[0] <= keys[1]:
            wrong.append(model._meta.label)
    return wrong


def _text_columns(model: type[Model]) -> list[str]:
    return [
        str(field.column)
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField)
        and not field.choices
        and field.column not in FORMED
    ]


def _mark_texts(organization: Organization) -> None:
    """Put the mark into every free text that holds none yet."""
    missing = set(unmarked_columns(organization, MARK_A))
    # The triggers that freeze published versions would refuse; the owner of the tables may silence them, once
    # no key waits to be checked.
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in tenant_models():
            table = f'"{organization.schema_name}"."{model._meta.db_table}"'
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for field in model._meta.concrete_fields:
                if f"{model._meta.label}.{field.column}" in missing:
                    _mark_column(cursor, table, field)
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _mark_column(cursor: object, table: str, field: object) -> None:
    column = field.column  # type: ignore[attr-defined]
    if isinstance(field, JSONField):
        # Objects take one more name; a list has entries of one shape, which the world fills in.
        value = (
            f"CASE jsonb_typeof({column}) WHEN 'object' THEN {column} || jsonb_build_object('mark', %s::text)"
            f" ELSE {column} END"
        )
        values = [MARK_A]
    else:
        length = field.max_length or 10_000  # type: ignore[attr-defined]
        value, values = f"left(%s || ' ' || {column}, {length})", [MARK_A]
    # One row: the column may be unique.
    cursor.execute(  # type: ignore[attr-defined]
        f"UPDATE {table} SET {column} = {value} WHERE ctid = (SELECT min(ctid) FROM {table})", values
    )


def _copy_rows(source: Organization, target: Organization) -> None:
    """Put A's tenant rows with A's ids into B, each A's mark turned into B's."""
    tables = [model._meta.db_table for model in tenant_models()]
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f'ALTER TABLE "{target.schema_name}"."{table}" DISABLE TRIGGER USER')
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in reversed(tables):
            if table != "people_member":  # B's people go on signing in
                cursor.execute(f'DELETE FROM "{target.schema_name}"."{table}"')
        for table in tables:
            there, here = f'"{target.schema_name}"."{table}"', f'"{source.schema_name}"."{table}"'
            cursor.execute(
                f"INSERT INTO {there} SELECT (jsonb_populate_record(NULL::{there}, replace(replace("
                f"to_jsonb(t)::text, %s, %s), %s, %s)::jsonb)).* FROM {here} t",
                [MARK_A, MARK_B, MARK_A.lower(), MARK_B.lower()],
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f'ALTER TABLE "{target.schema_name}"."{table}" ENABLE TRIGGER USER')
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _mark_shared(world: World) -> None:
    Organization.objects.filter(pk=world.organization.pk).update(
        name=f"{world.mark} Ltd", state_reason=world.mark, branding={"footer": world.mark}
    )
    users = Membership.objects.filter(organization=world.organization).values("user_id")
    User.objects.filter(pk__in=users).update(name=world.mark)


def _tenant_kinds(world: World) -> set[str]:
    """Return the kinds of ids whose rows stand in tenant schemas."""
    found = set()
    with in_organization(world.organization):
        for model in tenant_models():
            keys = set(model._default_manager.values_list("pk", flat=True))
            found |= {kind for kind, key in world.ids.items() if key in keys}
    return found


def _needles(b: World) -> tuple[str, ...]:
    organization = b.organization
    keys: set[uuid.UUID] = {organization.id, b.owner.id, b.owner.user_id}
    texts = {MARK_B, MARK_B.encode().hex(), organization.schema_name, organization.id.hex}
    return tuple(sorted(texts | {str(key) for key in keys}))
