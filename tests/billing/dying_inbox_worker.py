"""Included by a test's worker alone: each message leaves one line of its effect in the very transaction that
marks it, and the process dies where a test ordered it.

The line is no mirror of a state but a count: work that is done twice shows as two.
"""

import dataclasses
from typing import Any

from celery.signals import task_postrun
from django.db import transaction

from billing.enums import EventState
from billing.gateways.stripe_gateway import StripeGateway
from billing.models import GatewayEvent
from billing.services.gateway import following, inbox
from billing.services.gateway.following import Followed
from shared_apps.audit.services import do_record
from shared_apps.core.actors import system_actor
from tests.billing.inbox_deaths import EFFECT, pass_point

_followed_of, _do_end = following.followed_of, inbox._do_end


def followed_of(kind: str, object_ref: str) -> Followed | None:
    found = _followed_of(kind, object_ref)
    if found is None:
        return None
    followed = found

    def look(gateway: StripeGateway, ref: str) -> Any:
        pass_point("before fetch")
        seen = followed.look(gateway, ref)
        pass_point("after fetch")
        return seen

    return dataclasses.replace(followed, look=look)


def do_end(event: GatewayEvent, state: EventState) -> EventState:
    ended = _do_end(event, state)
    do_record(
        actor=system_actor("tests"),
        action=EFFECT,
        organization_id=None,
        target_kind="gateway_event",
        target_id=event.event_key,
    )
    pass_point("before commit")
    transaction.on_commit(lambda: pass_point("after commit"))
    return ended


def before_ack(**facts: object) -> None:
    pass_point("before ack")


setattr(inbox, "followed_of", followed_of)  # noqa: B010  names of the module, put in its place
setattr(inbox, "_do_end", do_end)  # noqa: B010
task_postrun.connect(before_ack, weak=False)
