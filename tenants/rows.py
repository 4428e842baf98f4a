"""Base of every table of an organization: rows and queries belong to the organization they were read in.

Schemas, roles and paths decide where a statement goes when it is sent. They cannot know that a query was
built, or a row read, in another organization: evaluated or saved here it would read, or overwrite, the row
that has the same id here. So rows and queries remember where they come from, and every evaluation and every
write asks. Where the same organization is entered again they go on working. Costs: docs/isolation.md.
"""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from tenants.scope import current_scope

_Row = TypeVar("_Row", bound=models.Model)


class CarriedOver(RuntimeError):
    """A row or a query of one organization was used while the code ran for another.

    Read it again where it is needed, or hand over its id together with the organization's.
    """


def _check(belongs_to: str | None, what: object) -> None:
    here = current_scope.get().schema_name
    if belongs_to is not None and belongs_to != here:
        raise CarriedOver(f"{what} belongs to {belongs_to!r}, the code runs for {here or 'nowhere'!r}")


class TenantRows(models.QuerySet[_Row]):
    """A query that is evaluated where it was built, or, built outside every organization, where it is used
    first."""

    _belongs_to: str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = current_scope.get()
        self._belongs_to = scope.schema_name if scope.organization else None

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # not in the stubs
        clone._belongs_to = self._belongs_to
        return clone

    def _check_place(self) -> None:
        _check(self._belongs_to, self.model.__name__)
        # A lazy foreign key, or the set of rows that point at a row: the row stands in the hints.
        row = self._hints.get("instance")  # type: ignore[attr-defined]  # not in the stubs
        if row is not None:
            _check(getattr(row._state, "belongs_to", None), row.__class__.__name__)

    @property
    def db(self) -> str:
        """Return the database; Django asks for it at each evaluation, of whatever kind."""
        self._check_place()
        return super().db

    def _fetch_all(self) -> None:
        self._check_place()
        super()._fetch_all()
        if self._belongs_to is None:
            scope = current_scope.get()
            self._belongs_to = scope.schema_name if scope.organization else None

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        """Stand in another query as its part."""
        self._check_place()
        return super().resolve_expression(*args, **kwargs)


class TenantManager(models.Manager[_Row]):
    """Gives such queries."""

    def get_queryset(self) -> TenantRows[_Row]:
        """Return a query of all rows."""
        return TenantRows(self.model, using=self._db, hints=self._hints)  # type: ignore[attr-defined]  # stubs lack it


class TenantRow(models.Model):
    """A row that is saved, deleted and read anew only in the organization it was read or made in."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True
        # Lazy foreign keys and `refresh_from_db` ask the base manager.
        base_manager_name = "objects"

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the instance of a row that was read."""
        row = super().from_db(*args, **kwargs)
        row._state.belongs_to = current_scope.get().schema_name  # type: ignore[attr-defined]  # added here
        return row

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Write the row; all of Django's ways to save one come through here.

        Raises:
            CarriedOver: it was read or saved in another organization.
        """
        self._check_place()
        super().save_base(*args, **kwargs)
        self._state.belongs_to = current_scope.get().schema_name  # type: ignore[attr-defined]  # added here

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row.

        Raises:
            CarriedOver: it was read or saved in another organization.
        """
        self._check_place()
        return super().delete(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row, or a deferred field of it, again.

        Raises:
            CarriedOver: it was read or saved in another organization.
        """
        self._check_place()
        super().refresh_from_db(*args, **kwargs)

    def _check_place(self) -> None:
        _check(getattr(self._state, "belongs_to", None), self.__class__.__name__)
