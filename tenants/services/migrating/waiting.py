"""Wait for another process's run: two deployments that start at once need not fail."""

import time
from datetime import timedelta

from shared_apps.core import clock
from tenants.models import MigrationRun
from tenants.services.migrating.runs import ACTIVE

_LOOK_SECONDS = 0.5


def wait_for_run(lost_after: timedelta) -> bool:
    """Wait until no living process works on a run; True when there was one."""
    has_waited = False
    while True:
        heartbeat = (
            MigrationRun.objects.filter(state__in=ACTIVE).values_list("heartbeat_at", flat=True).first()
        )
        if heartbeat is None or clock.now() - heartbeat >= lost_after:
            return has_waited
        has_waited = True
        time.sleep(_LOOK_SECONDS)
