"""What happens to sign-ups by the clock: they end, go on where a task was lost, and are forgotten."""

import uuid
from collections.abc import Callable

import structlog
from django.db import DatabaseError

from billing.services.customers.sign_up_purchases import gone_through
from shared_apps.core import clock
from shared_apps.core.errors import DomainError
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.enums import SignUpStatus
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.selectors.sign_ups import forgettable_before, sign_ups_to_sweep
from shared_apps.onboarding.services.sign_up_checkouts import expire_sign_up
from shared_apps.onboarding.services.sign_up_provisioning import follow_sign_up

log = structlog.get_logger(__name__)

_FORGOTTEN_AT_ONCE = 1000


def sweep_sign_ups() -> int:
    """End the sign-ups whose time is over and go on with the paid ones nobody goes on with; return how many
    were looked at without a failure."""
    found = sign_ups_to_sweep()
    waiting = gone_through(found.silent)
    # Where a bank has still to confirm, the gateway is asked every few minutes, not at every sweep.
    SignUp.objects.filter(id__in=waiting).update(updated_at=clock.now())
    done = sum(_try(follow_sign_up, each) for each in [*found.stuck, *waiting])
    return done + sum(_try(lambda one: expire_sign_up(sign_up_id=one), each) for each in found.over)


def prune_sign_ups() -> int:
    """Forget sign-ups that came to nothing and ended long ago, with the names and addresses in them; return
    how many. No money can come for them any more: their pages were closed at the gateway."""
    with entry_transaction():
        rows = SignUp.objects.filter(
            status__in=(SignUpStatus.EXPIRED, SignUpStatus.CANCELED), updated_at__lt=forgettable_before()
        )
        ids = list(rows.order_by("updated_at").values_list("id", flat=True)[:_FORGOTTEN_AT_ONCE])
        number, _ = SignUp.objects.filter(id__in=ids).delete()
    return number


def _try(act: Callable[[uuid.UUID], object], identifier: uuid.UUID) -> int:
    """Act; one that fails must not take the others' turn."""
    try:
        act(identifier)
    except (DomainError, DatabaseError) as error:
        log.error("sign_up_sweep_failed", sign_up=str(identifier), error=str(error))
        return 0
    return 1
