"""Leave the database to the people at work: what the background does schema by schema rests in between."""

import time
from collections.abc import Callable

from django.conf import settings

_MOST_SECONDS = 1.0


def rest_after(work_seconds: float, *, sleep: Callable[[float], object] = time.sleep) -> None:
    """Rest for BACKGROUND_REST_PERCENT of the time that the work took, a second at most.

    Making or changing a schema keeps one core of the server busy and has every session read its catalogue
    anew; back to back, on a server of two cores, that doubled the p99 of an unconcerned organization.

    Args:
        sleep: waits so many seconds; one that can be woken, where there is something to wake for.
    """
    seconds = min(_MOST_SECONDS, work_seconds * settings.BACKGROUND_REST_PERCENT / 100)
    if seconds > 0:
        sleep(seconds)
