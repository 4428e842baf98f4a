"""The only door into a tenant.

    with in_organization(organization):
        ...

Never a decorator and never `with organization:`; both leak between threads in django-tenants. Outside any
block the search path is empty, so a query there is an error. A new thread, and a Celery task, starts outside.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from types import TracebackType
from typing import Any, Protocol

from django.conf import settings
from django.db import connections, transaction

from tenants.scope import PUBLIC, OrganizationRef, Scope, current_scope, organization_scope


class HasRef(Protocol):
    """An Organization row, or anything else that can say which organization it is."""

    def ref(self) -> OrganizationRef:
        """Return the organization's facts."""
        ...


class SwitchInsideTransaction(RuntimeError):
    """A scope was changed while a transaction was open: half of it would run elsewhere."""


class NoOrganization(RuntimeError):
    """Code that needs an organization ran outside one."""


class _entered:  # noqa: N801  reads as a verb in a with statement
    """Base of the two doors: a plain context manager, on purpose unusable as a decorator."""

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._token: Token[Scope] | None = None

    def __enter__(self) -> Scope:
        if self._token is not None:
            raise RuntimeError("a scope object is entered once; make a new one")
        _refuse_inside_transaction(self._scope)
        self._token = current_scope.set(self._scope)
        try:
            _switch(self._scope)
        except BaseException:
            # A schema that was dropped: nobody calls __exit__ now, and the thread must not stay in there.
            self.__exit__(None, None, None)
            raise
        return self._scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            current_scope.reset(self._token)
        _switch(current_scope.get())


class in_organization(_entered):  # noqa: N801
    """Run a block in one organization's schema, under its database role.

    Args:
        organization: an `OrganizationRef`, or a row with a `ref()`.

    Raises:
        SwitchInsideTransaction: a transaction is open in another scope.
    """

    __slots__ = ()

    def __init__(self, organization: OrganizationRef | HasRef) -> None:
        ref = organization if isinstance(organization, OrganizationRef) else organization.ref()
        super().__init__(organization_scope(ref))


class in_public(_entered):  # noqa: N801
    """Run a block in the shared schema alone: platform host, provisioning, shared tasks."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(Scope(PUBLIC.schema_name, None, PUBLIC.switch_sql))


class storing_for(_entered):  # noqa: N801
    """Stand in the shared schema with an organization's storage, before its schema is there. For imports."""

    __slots__ = ()

    def __init__(self, organization: OrganizationRef) -> None:
        super().__init__(Scope(PUBLIC.schema_name, organization, PUBLIC.switch_sql))


def current_organization() -> OrganizationRef:
    """Return the organization the code runs for.

    Raises:
        NoOrganization: it runs for none.
    """
    organization = current_scope.get().organization
    if organization is None:
        raise NoOrganization("this code needs `with in_organization(...)` around it")
    return organization


def current_organization_or_none() -> OrganizationRef | None:
    """Return the organization the code runs for, or None on the platform host and outside."""
    return current_scope.get().organization


def on_commit(work: Callable[[], Any]) -> None:
    """Run `work` after the commit in the scope of now, wherever the transaction is closed."""
    scope = current_scope.get()

    def run() -> None:
        if current_scope.get() is scope:
            work()
        else:
            with _entered(Scope(scope.schema_name, scope.organization, scope.switch_sql)):
                work()

    transaction.on_commit(run)


@contextmanager
def migrating_schema(schema_name: str) -> Iterator[None]:
    """Stand in one schema under the login role, which owns it, to change its tables. For migrations only.

    Args:
        schema_name: an existing schema made by provisioning; tables are made in it, and `public` is
            visible behind it.
    """
    quoted = '"' + schema_name.replace('"', '""') + '"'
    ref = OrganizationRef(
        id=uuid.UUID(int=0),
        schema_name=schema_name,
        slug="",
        name="",
        state="",
        timezone="UTC",
        language="en",
    )
    with _entered(Scope(schema_name, ref, f"SET search_path TO {quoted}, public; RESET ROLE".encode())):
        yield


def _switch(scope: Scope) -> None:
    for connection in connections.all(initialized_only=True):
        connection.set_scope(scope)  # type: ignore[attr-defined]  # our own backend


def _refuse_inside_transaction(scope: Scope) -> None:
    if settings.TENANT_SWITCH_IN_TRANSACTION:
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block and current_scope.get().schema_name != scope.schema_name:
            raise SwitchInsideTransaction(f"cannot enter {scope.schema_name!r}: a transaction is open")
