"""Which shared tables every node of a cluster needs, and which stay with the coordinator."""

from enum import StrEnum

from tenants.postgresql.register import REGISTER


class Placing(StrEnum):
    """Where a shared table stands."""

    # A copy on each node, written everywhere at once: for what tenants' queries join with their own tables.
    REFERENCE = "reference"
    # On the coordinator; joined with a tenant's tables all the same, but then rows travel.
    LOCAL = "local"


# Rights are read by joining a tenant's tables with these two, in nearly every request, and they change with a
# release only. Lists of people join with memberships and users, of which few rows travel; those are written
# with each sign-in, invitation and seat, which must not mean a write on each node.
REFERENCE_TABLES = frozenset({"auth_permission", "django_content_type"})
# Django's list of migrations stands in `public` and in each tenant, so it is no shared table like the others.
BOOKKEEPING = "django_migrations"


def placings() -> dict[str, Placing]:
    """Return every shared table with the place it has on a cluster."""
    return {
        table: Placing.REFERENCE if table in REFERENCE_TABLES else Placing.LOCAL
        for table in sorted({*REGISTER, BOOKKEEPING})
    }
