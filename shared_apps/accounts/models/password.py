"""The hash of a password, which no organization's role may read (tenants/postgresql/register.py)."""

from typing import Any

from django.db import models

from tenants.scope import PUBLIC, current_scope


class PasswordField(models.CharField):  # type: ignore[type-arg]  # no generic at run time
    """A text that statements of an organization read as "!", Django's word for "no password opens this".

    Left to itself Django names every column of a row it reads, and would be refused. Whoever compares or
    makes something of the hash enters `in_public`; forgetting that refuses a password, never takes one.
    """

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Return how a migration writes it: in the database it is a plain column of text."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", list(arguments), dict(options)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Return what stands for the column in a list of columns to read."""
        if current_scope.get().schema_name in {"", PUBLIC.schema_name}:
            return sql, params
        return "'!'", ()
