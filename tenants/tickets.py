"""What a worker does with a ticket: take the task whose turn it is and run it as Celery would have.

The task runs under its own id through Celery's own tracer, so logs, signals, failures and retries are those
of any other task. Its time limits are the ticket's.
"""

import socket
import time
from typing import Any

import structlog
from celery import Task as CeleryTask
from celery import current_app, shared_task
from celery.app.trace import build_tracer
from celery.exceptions import Retry
from django.conf import settings
from kombu.exceptions import OperationalError

from shared_apps.core import clock
from shared_apps.core.fair_queue import Swept, Task, fair_queue, worker_name
from shared_apps.core.ids import new_id
from shared_apps.core.jobs import TICKET, count_tickets, put_task, send_tickets
from tenants.selectors.organizations import queue_weights
from tenants.task_base import OrganizationPublicTask, OrganizationTask, PlatformTask, TicketTask

log = structlog.get_logger(__name__)

_LEASE_MARGIN_SECONDS = 60
# Short, since a ticket's time limits count from its start.
_STAY_SECONDS = 2.0


def serve_ticket(ticket: str, *, worker: str) -> list[str]:
    """Run the task whose turn it is, and more of them for a short while; return the names of those it ran.

    Staying saves a message of the broker for each task, ten times the price of asking the queue. It costs
    nobody a turn: before each task the queue decides anew whose it is.

    Args:
        ticket: id of the broker's message.
        worker: name of the worker as it says its signs of life.
    """
    leaves_at = time.monotonic() + _STAY_SECONDS
    ran: list[str] = []
    while True:
        name, goes_on = _serve_one(ticket, worker)
        if name:
            ran.append(name)
        if not goes_on:
            return ran
        if time.monotonic() >= leaves_at:
            _send(1)
            return ran


def _serve_one(ticket: str, worker: str) -> tuple[str, bool]:
    """Return the name of the task that ran, "" for none, and whether a further ticket is called for: this one
    may go on in its place."""
    longest = settings.CELERY_TASK_TIME_LIMIT + _LEASE_MARGIN_SECONDS
    taken = fair_queue().take(ticket, worker=worker, longest_seconds=longest)
    if taken.task is None:
        return "", False
    if taken.is_spent:
        _tell_given_up(taken.task)
        return "", taken.more
    if taken.more:
        _send(1)
    started = time.monotonic()
    goes_on = False
    try:
        _run(taken.task, worker)
    finally:
        # Not reached when the process is killed: then the same ticket, delivered again, finds its task.
        goes_on = fair_queue().release(ticket, seconds=time.monotonic() - started)
    return taken.task.name, goes_on


def sweep_fair_queue() -> Swept:
    """Mend what was lost: tickets, tasks of dead workers; take over the organizations' weights."""
    queue = fair_queue()
    queue.set_weights(queue_weights())
    swept = queue.sweep(tickets_there=count_tickets())
    for task in swept.given_up:
        _tell_given_up(task)
    if swept.taken_back:
        log.warning("tasks_taken_back", number=swept.taken_back)
    _send(swept.tickets)
    return swept


def _run(task: Task, worker: str) -> None:
    found = current_app.tasks.get(task.name)
    if not isinstance(found, OrganizationTask | OrganizationPublicTask):
        # As with Celery itself a message for no known task is dropped; a table brings it back.
        log.error("task_unknown", job=task.name, organization=task.organization_id)
        return
    request = {
        "id": task.id,
        "task": task.name,
        "args": [],
        "kwargs": task.kwargs,
        "retries": task.retries,
        # Keeps the tracer from clearing away what the ticket, whose tracer runs around it, still needs.
        "is_eager": True,
        "hostname": worker or socket.gethostname(),
        "logfile": None,
        "loglevel": 0,
        "callbacks": None,
        "errbacks": None,
        "headers": {},
        "ignore_result": True,
        "delivery_info": {"is_eager": True, "exchange": "", "routing_key": settings.TENANT_QUEUE},
    }
    trace = build_tracer(found.name, found, eager=True, propagate=False, app=current_app)
    answer = trace(task.id, [], dict(task.kwargs), request)
    if answer.info is not None and isinstance(answer.info.retval, Retry):
        _again(task, answer.info.retval)


def _again(task: Task, retry: Any) -> None:
    """Let a task that asked for it wait once more, with the arguments it gave."""
    kwargs = {**dict(retry.sig.kwargs), "organization_id": task.organization_id}
    when = retry.when
    if when is None:
        wait = 0.0
    elif isinstance(when, int | float):
        wait = float(when)
    else:
        wait = max(0.0, (when - clock.now()).total_seconds())
    again = Task(task.name, task.organization_id, kwargs, id=task.id, retries=task.retries + 1)
    try:
        put_task(again, wait_seconds=wait)
    except (OperationalError, OSError) as error:
        log.warning("job_not_sent", job=task.name, error=str(error))


def _send(number: int) -> None:
    try:
        send_tickets(number)
    except (OperationalError, OSError) as error:
        # The tickets are believed to be on their way; the sweep counts them anew.
        log.warning("ticket_not_sent", error=str(error))


def _tell_given_up(task: Task) -> None:
    log.error("task_given_up", job=task.name, task_id=task.id, organization=task.organization_id)


@shared_task(name=TICKET, base=TicketTask, bind=True)
def ticket(self: CeleryTask[..., Any]) -> int:
    """Serve the organizations whose turn it is; return how many tasks ran."""
    worker = worker_name(self.request.hostname or socket.gethostname())
    return len(serve_ticket(self.request.id or new_id().hex, worker=worker))


@shared_task(name="tenants.sweep_fair_queue", base=PlatformTask)
def sweep() -> int:
    """Mend the fair queue; return how many tickets were missing."""
    return sweep_fair_queue().tickets
