"""Django's schema editor that writes down what it executes.

`collect_sql=True` of Django's own executes nothing, so what a later operation looks up in the database (the
name of a constraint that an operation before it made) is not there, and its statement is silently left out.
Here the first tenant of each stand is migrated by Django for real, and the text is what it was sent.
"""

from typing import Any

from django.db import connection


class Recording:
    """Mixed into the connection's own schema editor."""

    connection: Any
    statements: list[str]

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Execute one statement, with its parameters written into it, and keep it."""
        text = str(sql) if params is None else str(self.connection.ops.compose_sql(str(sql), params))
        self.statements.append(text)
        super().execute(text, None)  # type: ignore[misc]  # the schema editor's, beside which it stands


def recording_editor() -> Any:
    """Return a schema editor of the current connection that records; it opens no transaction."""
    base: Any = connection.SchemaEditorClass
    editor = type("RecordingEditor", (Recording, base), {})(connection, atomic=False)
    editor.statements = []
    return editor
