"""Base classes of every Celery task: a task runs in a known organization, or says it is the platform's.

django-tenants and its Celery companion fail open: a task of an unknown or deleted tenant runs in `public`.
Here the organization is resolved by id before the body and a task without one is refused.
"""

import uuid
from typing import Any

import structlog
from celery import Task
from django.db import connections

from tenants.context import in_organization, in_public
from tenants.enums import OPEN_STATES
from tenants.models import Organization
from tenants.selectors.levels import check_level, with_level


class TaskWithoutOrganization(RuntimeError):
    """The message names no organization, an unknown one, or one that is closed. The body did not run."""


class UnplacedTask(Task[..., Any]):
    """Default base: refuses to run, so a task that chose no base cannot run anywhere by accident."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse.

        Raises:
            TypeError: always; the task must choose OrganizationTask or PlatformTask.
        """
        if self.name.startswith("celery."):
            return super().__call__(*args, **kwargs)
        raise TypeError(f"task {self.name} must set base=OrganizationTask or base=PlatformTask")


class OrganizationTask(Task[..., Any]):
    """Runs its body in the organization that the `organization_id` keyword names; the body doesn't see it."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Enter the organization and run.

        Raises:
            TaskWithoutOrganization: no id, an unknown id, or an organization that is not open.
            OrganizationBehind: its schema is behind the code; what the task was for stands in a table
                (outbox, jobs) and is found there once it is not.
        """
        organization = _resolve(self.name, kwargs.pop("organization_id", None))
        _start_clean()
        try:
            with (
                structlog.contextvars.bound_contextvars(task=self.name, organization=str(organization.id)),
                in_organization(organization),
            ):
                return super().__call__(*args, **kwargs)
        finally:
            _end_clean()


class PlatformTask(Task[..., Any]):
    """Runs its body in the shared schema alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Enter the shared schema and run."""
        _start_clean()
        try:
            with structlog.contextvars.bound_contextvars(task=self.name), in_public():
                return super().__call__(*args, **kwargs)
        finally:
            _end_clean()


class OrganizationPublicTask(PlatformTask):
    """An organization's work that takes its turn like any other of its tasks, but runs in the shared schema:
    the organization may be closed by then. The body gets the `organization_id`."""

    abstract = True


class TicketTask(Task[..., Any]):
    """Runs its body outside every scope: it carries no work of its own, but takes a task that enters one."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body."""
        return super().__call__(*args, **kwargs)


def _resolve(task: str, organization_id: object) -> Organization:
    try:
        identifier = uuid.UUID(str(organization_id))
    except ValueError as error:
        raise TaskWithoutOrganization(f"{task}: no organization in the message") from error
    with in_public():
        organization = with_level(Organization.objects.filter(id=identifier)).first()
    if organization is None or organization.state not in OPEN_STATES:
        raise TaskWithoutOrganization(f"{task}: organization {identifier} is unknown or closed")
    check_level(organization.ref())
    return organization


def _start_clean() -> None:
    """A worker thread may come from a task that died half-way: drop broken connections first."""
    _drop_unusable()


def _end_clean() -> None:
    _drop_unusable()


def _drop_unusable() -> None:
    """Close what is broken or too old; never a connection with an open transaction, which is the caller's
    (a task called as a plain function, as tests do)."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
