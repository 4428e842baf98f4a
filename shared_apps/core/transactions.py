"""The edges of a write: entry services open the transaction, steps insist on being inside one."""

from contextlib import AbstractContextManager

from django.db import connection, transaction


def entry_transaction() -> AbstractContextManager[None]:
    """Open the transaction of an entry service; wrapping one entry service in another is an error."""
    return transaction.atomic(durable=True)


def require_transaction() -> None:
    """Refuse to run a `do_*` step outside a transaction, where a failure would leave half of it done.

    Raises:
        RuntimeError: no transaction is open.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a do_* step was called outside a transaction; call the entry service")
