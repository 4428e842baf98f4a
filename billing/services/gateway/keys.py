"""Keys of calls that go on when the gateway keeps a failure.

An answer is kept under the key of its call for a day, a failure too. What is asked again under that key
would fail for as long, so it goes on under the next one. That has one effect only, because of three things
together: a kept answer says that the call before is over, a look has to show that it did nothing, and some
time passes in which what it may have begun would come to be seen.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from shared_apps.core import clock

# Between one key and the next; after the last of them, the gateway forgets the first soon enough.
PATIENCE, _MOST_KEYS = timedelta(minutes=10), 6


def keys_of(identifier: uuid.UUID, *, since: datetime) -> Iterator[str]:
    """Return the keys that may be used by now for what was asked for at that moment, the first one first.

    A later one is for when the answer under the one before it is a kept failure (`FailureKept`) without
    effect, and for nothing else.
    """
    yield str(identifier)
    for number in range(1, min(_MOST_KEYS, 1 + (clock.now() - since) // PATIENCE)):
        yield f"{identifier}-{number + 1}"
