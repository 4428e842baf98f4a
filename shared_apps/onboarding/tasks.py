"""Background work on the life of organizations."""

import structlog
from celery import shared_task
from django.db import DatabaseError

from shared_apps.onboarding.services.lifecycle import complete_deletion
from shared_apps.onboarding.services.provisioning import complete_provisioning
from tenants.enums import OrganizationState
from tenants.selectors.organizations import ids_in_state
from tenants.task_base import PlatformTask

log = structlog.get_logger(__name__)


@shared_task(name="onboarding.resume_provisioning", base=PlatformTask)
def resume_provisioning() -> int:
    """Finish what a killed process left: organizations being made and being deleted; return how many."""
    finished = 0
    for state, finish in (
        (OrganizationState.PROVISIONING, complete_provisioning),
        (OrganizationState.DELETING, complete_deletion),
    ):
        for organization_id in ids_in_state(state):
            try:
                finish(organization_id=organization_id)
                finished += 1
            except (DatabaseError, OSError) as error:  # the next organization must get its turn
                log.error("resume_failed", organization=str(organization_id), state=state, error=str(error))
    return finished
