"""`manage.py gateway_events list|show|run|run-parked`: look at the inbox, and work off what was parked."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.enums import EventState
from billing.models import GatewayEvent
from billing.selectors.gateway import find_event_id, get_gateway_event, list_gateway_events
from billing.services.gateway.inbox_acts import run_event, run_parked
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import DomainError
from tenants.context import in_public


class Command(BaseCommand):
    """Show messages of the payment gateway, and have them worked off again."""

    help = "The payment gateway's messages: list, show KEY, run KEY, run-parked."

    def add_arguments(self, parser: Any) -> None:
        """Take the act, and what it is about."""
        acts = parser.add_subparsers(dest="act", required=True)
        listing = acts.add_parser("list", help="the newest messages")
        listing.add_argument("--state", choices=EventState.values)
        listing.add_argument("--kind", help="the beginning of it: invoice.")
        listing.add_argument("--limit", type=int, default=50)
        for name, words in (("show", "all that is known of one"), ("run", "work one off again")):
            acts.add_parser(name, help=words).add_argument("key", help="the gateway's id of it: evt_...")
        acts.add_parser("run-parked", help="work all parked ones off again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what was done."""
        actor = system_actor("gateway_events")
        try:
            with in_public():
                self._act(actor, options)
        except DomainError as error:
            raise CommandError(f"{error.title} {error.advice}".strip()) from error

    def _act(self, actor: Actor, options: dict[str, Any]) -> None:
        act = options["act"]
        if act == "list":
            rows = list_gateway_events(
                actor=actor, organization_id=None, state=options["state"], kind=options["kind"]
            )
            for event in rows[: options["limit"]]:
                self.stdout.write(self._line(event))
        elif act == "run-parked":
            self.stdout.write(f"{run_parked(actor=actor)} messages are worked off again.")
        else:
            identifier = find_event_id(actor=actor, event_key=options["key"])
            if identifier is None:
                raise CommandError(f"There is no message {options['key']}.")
            if act == "run":
                run_event(actor=actor, event_id=identifier)
                self.stdout.write(f"{options['key']} is worked off again.")
            else:
                self._show(get_gateway_event(actor=actor, event_id=identifier))

    def _line(self, event: GatewayEvent) -> str:
        words = f"{event.created_at:%Y-%m-%d %H:%M:%S} {event.state:9} {event.event_key} {event.kind}"
        return f"{words} {event.object_ref} {event.problem}".rstrip()

    def _show(self, event: GatewayEvent) -> None:
        for field in GatewayEvent._meta.concrete_fields:
            self.stdout.write(f"{field.name:13} {getattr(event, field.name)}")
