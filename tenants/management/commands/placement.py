"""`manage.py placement status | nodes | distribute | move | resume`: where schemas stand on a cluster."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from shared_apps.core.errors import DomainError
from shared_apps.core.jobs import enqueue
from tenants.context import in_public
from tenants.placement import cluster, moving


class Command(BaseCommand):
    """Act on the cluster; docs/operators/citus.md says when."""

    help = "Shows and changes where organizations' schemas stand when the database is a Citus cluster."

    def add_arguments(self, parser: Any) -> None:
        """Take the act and what it is about."""
        acts = parser.add_subparsers(dest="act", required=True)
        status = acts.add_parser("status", help="where each organization stands, and what moves")
        status.add_argument("slug", nargs="?")
        acts.add_parser("nodes", help="the nodes and what they hold")
        distribute = acts.add_parser("distribute", help="give schemas of the coordinator to nodes")
        distribute.add_argument("slug", help="an organization's subdomain, or `all`, ready schemas included")
        move = acts.add_parser("move", help="move an organization's schema to a node, while it is used")
        move.add_argument("slug")
        move.add_argument("node", help="number, host or host:port")
        move.add_argument("--wait", action="store_true", help="move here and now instead of in a worker")
        acts.add_parser("resume", help="do the moves that were asked for and are not done, here and now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Act, and turn refusals into an error that says what is wrong."""
        act = getattr(self, f"_{options['act']}")
        try:
            with in_public():
                act(options)
        except DomainError as refused:
            facts = ", ".join(f"{name}: {value}" for name, value in refused.facts.items())
            raise CommandError(f"{refused.title} ({facts}) {refused.advice}") from refused
        except DatabaseError as error:
            raise CommandError(f"the cluster refused: {error}") from error

    def _status(self, options: dict[str, Any]) -> None:
        for standing in moving.list_standings(slug=options["slug"]):
            node = "coordinator" if standing.node is None else f"node {standing.node}"
            wanted = "" if standing.wanted is None else f" wanted on node {standing.wanted}"
            percent = "" if standing.percent is None else f" {standing.percent} %"
            named = f"{standing.slug:<40} {standing.schema_name:<28} {node:<12}"
            self.stdout.write(f"{named} {standing.progress}{percent}{wanted}")

    def _nodes(self, options: dict[str, Any]) -> None:
        cluster.check_cluster()
        for node in cluster.nodes():
            state = "active" if node.is_active else "not active"
            takes = "takes schemas" if node.takes_schemas else "takes no schemas"
            self.stdout.write(
                f"{node.id:>4}  {node.name}:{node.port}  {state}, {takes}  "
                f"{node.schemas} schemas, {node.bytes / 2**20:.0f} MiB"
            )

    def _distribute(self, options: dict[str, Any]) -> None:
        slug = None if options["slug"] == "all" else options["slug"]
        done = 0
        for name in moving.distribute_schemas(slug=slug):
            done += 1
            self.stdout.write(f"{name} distributed")
        self.stdout.write(f"{done} schemas distributed")

    def _move(self, options: dict[str, Any]) -> None:
        organization_id = moving.want_on_node(slug=options["slug"], node=options["node"])
        if not options["wait"]:
            enqueue("tenants.move_to_wanted", organization_id=None, schema_id=organization_id)
            self.stdout.write("a worker moves it; see `placement status`")
            return
        moved = moving.move_to_wanted(organization_id=organization_id)
        self.stdout.write("moved" if moved else "it stands there already")

    def _resume(self, options: dict[str, Any]) -> None:
        waiting = moving.waiting_organizations()
        for organization_id in waiting:
            moving.move_to_wanted(organization_id=organization_id)
        self.stdout.write(f"{len(waiting)} moved")
