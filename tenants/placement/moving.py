"""Give organizations' schemas to the nodes of a cluster, and move them between nodes. Resumable.

What is wanted stands in `Organization.placement`, what is so in the cluster's own views. So a move that was
killed, at whatever moment, shows as `waiting` and is asked for again; the cluster removes by itself what a
half-done one left. Every function needs the shared scope.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from shared_apps.core.errors import NotFound
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import NodeUnfit
from tenants.models import Organization, TenantSchema
from tenants.placement import cluster
from tenants.placement.tables import Placing, placings

log = structlog.get_logger(__name__)

# `Organization.placement`: wherever the database put it, or on the node with this number.
ANYWHERE = "primary"
_ON_NODE = "node:"


class Progress(StrEnum):
    """How far an organization's schema is from where it is wanted."""

    COORDINATOR = "coordinator"
    PLACED = "placed"
    WAITING = "waiting"
    MOVING = "moving"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one organization's schema stands and should stand.

    Attributes:
        node: number of its node; None on the coordinator.
        wanted: number of the node that was asked for; None when any will do.
        percent: how much of it has arrived, while it moves.
    """

    slug: str
    schema_name: str
    node: int | None
    wanted: int | None
    progress: Progress
    percent: int | None = None


def list_standings(*, slug: str | None = None) -> list[Standing]:
    """Return where organizations stand, one or all, by slug.

    Raises:
        NotACluster: there is no cluster.
        NotFound: no organization has the slug.
    """
    cluster.check_cluster()
    rows = _organizations().filter(slug=slug) if slug else _organizations()
    found = list(rows.order_by("slug").values_list("slug", "schema_name", "placement"))
    if slug and not found:
        raise NotFound(organization=slug)
    where, moving = cluster.nodes_of_schemas(), cluster.moves_under_way()
    return [_standing(*row, where=where, moving=moving) for row in found]


def prepare_shared_tables() -> list[str]:
    """Make on each node what tenants' tables need there; return what was made or brought up to date.

    Raises:
        NotACluster: there is no cluster.
    """
    cluster.check_cluster()
    wanted = [table for table, placing in placings().items() if placing is Placing.REFERENCE]
    # A table that others point to comes before them: a content type before its permissions.
    made = [table for table in sorted(wanted, reverse=True) if cluster.place_shared_table(table)]
    return made + cluster.place_functions()


def distribute_schemas(*, slug: str | None = None) -> Iterator[str]:
    """Give schemas that stand on the coordinator to nodes; yield the name of each that was done.

    All of them includes the ready ones, so that whoever claims one is on a node from the start. Each is one
    transaction; killed and called again, it goes on with what is left.

    Args:
        slug: of the one organization that is meant; None for all.

    Raises:
        NotACluster: there is no cluster.
        NotFound: no organization has the slug.
    """
    prepare_shared_tables()
    there = cluster.nodes_of_schemas()
    for name in _schemas_meant(slug):
        if name not in there:
            _distribute(name)
            yield name


def want_on_node(*, slug: str, node: str) -> uuid.UUID:
    """Note that an organization's schema is to stand on a node; return its id. `move_to_wanted` moves it.

    Args:
        node: number, `host` or `host:port` of an active node that takes schemas.

    Raises:
        NotACluster: there is no cluster.
        NotFound: no organization has the slug.
        NodeUnfit: there is no such node, or it takes none. Facts: `node`, `fit` (numbers of those that do).
    """
    cluster.check_cluster()
    chosen = _node_called(node)
    with transaction.atomic(durable=True):
        organization = _organizations().select_for_update().filter(slug=slug).first()
        if organization is None:
            raise NotFound(organization=slug)
        organization.placement = f"{_ON_NODE}{chosen}"
        organization.save_fields("placement")
    return organization.id


def move_to_wanted(*, organization_id: uuid.UUID) -> bool:
    """Move an organization's schema to the node that was asked for; return False when it stands there.

    Its people go on working; whoever writes waits for moments at the end. Two at once are refused by the
    cluster, which lets one of them do it.

    Raises:
        NotACluster: there is no cluster.
        NotFound: there is no such organization.
        DatabaseError: the cluster could not; the wish stays, and this can be called again.
    """
    cluster.check_cluster()
    organization = _organizations().filter(id=organization_id).first()
    if organization is None:
        raise NotFound(organization=str(organization_id))
    wanted, name = _wanted(organization.placement), organization.schema_name
    if wanted is None:
        return False
    there = cluster.nodes_of_schemas()
    if name not in there:
        prepare_shared_tables()
        _distribute(name)
        there = cluster.nodes_of_schemas()
    if there.get(name) == wanted:
        return False
    if connection.in_atomic_block:
        raise RuntimeError("a schema is moved outside transactions: it would stay locked until their end")
    cluster.move(name, wanted)
    log.info("schema_moved", schema=name, node=wanted)
    return True


def waiting_organizations() -> list[uuid.UUID]:
    """Return the organizations whose schema stands elsewhere than wanted and does not move, oldest first."""
    waiting = {standing.slug for standing in list_standings() if _is_left(standing)}
    return list(_organizations().filter(slug__in=waiting).order_by("id").values_list("id", flat=True))


def _is_left(standing: Standing) -> bool:
    unplaced = standing.progress is Progress.COORDINATOR and standing.wanted is not None
    return unplaced or standing.progress is Progress.WAITING


def _organizations() -> QuerySet[Organization]:
    return Organization.objects.exclude(state__in=(OrganizationState.DELETING, OrganizationState.DELETED))


def _standing(
    slug: str, schema_name: str, placement: str, *, where: dict[str, int], moving: dict[str, int]
) -> Standing:
    node, wanted = where.get(schema_name), _wanted(placement)
    if schema_name in moving:
        return Standing(slug, schema_name, node, wanted, Progress.MOVING, moving[schema_name])
    if node is None:
        progress = Progress.COORDINATOR
    else:
        progress = Progress.PLACED if wanted in {None, node} else Progress.WAITING
    return Standing(slug, schema_name, node, wanted, progress)


def _wanted(placement: str) -> int | None:
    return int(placement.removeprefix(_ON_NODE)) if placement.startswith(_ON_NODE) else None


def _schemas_meant(slug: str | None) -> list[str]:
    if slug is None:
        kept = TenantSchema.objects.filter(state__in=(SchemaState.READY, SchemaState.CLAIMED))
        return list(kept.order_by("id").values_list("schema_name", flat=True))
    found = list(_organizations().filter(slug=slug).values_list("schema_name", flat=True))
    if not found:
        raise NotFound(organization=slug)
    return found


def _distribute(name: str) -> None:
    with transaction.atomic(durable=True):
        cluster.distribute(name)
    log.info("schema_distributed", schema=name)


def _node_called(node: str) -> int:
    fit = [found for found in cluster.nodes() if found.is_active and found.takes_schemas]
    called = [found.id for found in fit if node in {str(found.id), found.name, f"{found.name}:{found.port}"}]
    if len(called) != 1:
        raise NodeUnfit(node=node, fit=[found.id for found in fit])
    return called[0]
