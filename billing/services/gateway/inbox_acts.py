"""What operators do with messages that nobody could work off."""

import uuid

from billing.enums import EventState
from billing.inbox_errors import EventNotParked
from billing.models import GatewayEvent
from billing.policies import GATEWAY_MANAGE
from billing.services.gateway.inbox import LOST_AFTER, PROCESS
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction

_RUNNABLE = (EventState.PARKED, EventState.FAILED)


def run_event(*, actor: Actor, event_id: uuid.UUID) -> GatewayEvent:
    """Have a parked or failed message worked off again, with all its tries before it.

    Raises:
        NotFound: no such message.
        EventNotParked: it is done, ignored, or on its way. Facts: `state`.
    """
    with entry_transaction():
        require(actor, GATEWAY_MANAGE)
        event = GatewayEvent.objects.select_for_update(no_key=True).filter(id=event_id).first()
        if event is None:
            raise NotFound(gateway_event=str(event_id))
        if event.state not in _RUNNABLE:
            raise EventNotParked(state=event.state)
        _do_run(actor, event)
    return event


def run_parked(*, actor: Actor) -> int:
    """Have all parked messages worked off again, after what parked them was put right; return how many."""
    with entry_transaction():
        require(actor, GATEWAY_MANAGE)
        parked = GatewayEvent.objects.select_for_update(no_key=True, skip_locked=True)
        events = list(parked.filter(state=EventState.PARKED).order_by("id"))
        for event in events:
            _do_run(actor, event)
    return len(events)


def _do_run(actor: Actor, event: GatewayEvent) -> None:
    before = event.problem
    event.state, event.attempts = EventState.RECEIVED, 0
    event.next_try_at = clock.now() + LOST_AFTER
    event.save_fields("state", "attempts", "next_try_at")
    do_record(
        actor=actor,
        action="gateway.run",
        organization_id=None,
        target=event,
        changes={"event_key": event.event_key, "kind": event.kind, "problem": before},
    )
    enqueue(PROCESS, organization_id=None, event_key=event.event_key)
