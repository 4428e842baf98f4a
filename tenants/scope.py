"""Where database statements go: nowhere, the shared schema, or one organization's.

This module knows no models, since the database backend reads it while Django starts.
"""

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrganizationRef:
    """What a request or task needs to know of its organization; safe to cache and to pass to threads."""

    id: uuid.UUID
    schema_name: str
    slug: str
    name: str
    state: str
    timezone: str
    language: str
    state_reason: str = ""
    suspended_at: datetime | None = None
    cors_origins: tuple[str, ...] = ()
    suspension: str = ""
    delete_after: datetime | None = None
    request_budget: int | None = None
    queue_weight: int = 1
    # From when its subscription lets people only read, and from when it is closed to them.
    read_only_from: datetime | None = None
    closed_from: datetime | None = None
    # The level of its schema (tenants.ddl); 0, behind everything, where nobody read it.
    schema_level: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """One place statements can go. Compared by identity: re-entering makes a new scope.

    Attributes:
        schema_name: "" for nowhere, "public", or the tenant's schema.
        organization: the tenant, when it is one.
        switch_sql: one message that sets search path and role together, so no statement can ever run
            with one of the two changed. Built once; the names come from our own registry and are quoted.
    """

    schema_name: str
    organization: OrganizationRef | None = None
    switch_sql: bytes = field(default=b"", repr=False)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def organization_scope(organization: OrganizationRef) -> Scope:
    """Return the scope of one organization: its schema first, then the shared one, under its own role."""
    schema = _quoted(organization.schema_name)
    sql = f"SET search_path TO {schema}, public; SET ROLE {schema}"
    return Scope(organization.schema_name, organization, sql.encode())


# An empty path: an unqualified table name resolves to nothing, so a query outside any scope is an error
# and never silently a row of `public`.
NOWHERE = Scope("", None, b"SET search_path TO ''; RESET ROLE")
PUBLIC = Scope("public", None, b"SET search_path TO public; RESET ROLE")

current_scope: ContextVar[Scope] = ContextVar("current_scope", default=NOWHERE)
