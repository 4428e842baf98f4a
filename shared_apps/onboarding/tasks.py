"""Background work on the life of organizations."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from celery import shared_task
from django.db import DatabaseError
from redis.exceptions import RedisError

from shared_apps.onboarding.errors import DeletionIncomplete
from shared_apps.onboarding.selectors.domains import claims_to_check
from shared_apps.onboarding.selectors.offboarding import ids_to_offboard
from shared_apps.onboarding.services.domains import recheck_domain, retire_domains
from shared_apps.onboarding.services.offboarding import continue_offboarding
from shared_apps.onboarding.services.provisioning import complete_provisioning
from shared_apps.onboarding.services.sign_up_sweeping import prune_sign_ups, sweep_sign_ups
from tenants.enums import OrganizationState
from tenants.selectors.organizations import ids_in_state
from tenants.task_base import PlatformTask

log = structlog.get_logger(__name__)


@shared_task(name="onboarding.resume_provisioning", base=PlatformTask)
def resume_provisioning() -> int:
    """Finish the organizations that a killed process left half made; return how many."""
    waiting = ids_in_state(OrganizationState.PROVISIONING)
    return _each("provisioning", waiting, lambda one: complete_provisioning(organization_id=one))


@shared_task(name="onboarding.continue_offboarding", base=PlatformTask)
def offboard() -> int:
    """Delete the organizations whose grace is over, and go on where a killed process left; return how many
    were looked at without a failure."""
    return _each("offboarding", ids_to_offboard(), lambda one: continue_offboarding(organization_id=one))


@shared_task(name="onboarding.check_domains", base=PlatformTask)
def check_domains() -> int:
    """Look up the DNS records of the domains that are due, and end those whose time is over; return how many
    were looked up."""
    retire_domains()
    return _each("domains", claims_to_check(), lambda one: recheck_domain(claim_id=one))


@shared_task(name="onboarding.sweep_sign_ups", base=PlatformTask)
def sweep() -> int:
    """End sign-ups whose time is over, go on with paid ones whose task was lost."""
    return sweep_sign_ups()


@shared_task(name="onboarding.prune_sign_ups", base=PlatformTask)
def prune() -> int:
    """Forget sign-ups that came to nothing long ago."""
    return prune_sign_ups()


def _each(work: str, ids: Iterable[Any], act: Callable[[Any], object]) -> int:
    """Act on each; one that fails must not take the others' turn."""
    done = 0
    for identifier in ids:
        try:
            act(identifier)
            done += 1
        except (DatabaseError, OSError, RedisError, DeletionIncomplete) as error:
            log.error("resume_failed", work=work, which=str(identifier), error=str(error))
    return done
