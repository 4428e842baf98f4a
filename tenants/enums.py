"""States of an organization and of a schema of the pool, with the allowed moves."""

from django.db import models


class OrganizationState(models.TextChoices):
    """Life of an organization."""

    PROVISIONING = "provisioning", "Provisioning"
    TRIAL = "trial", "Trial"
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Past due"
    SUSPENDED = "suspended", "Suspended"
    CLOSING = "closing", "Closing"
    DELETING = "deleting", "Deleting"
    DELETED = "deleted", "Deleted"


# From -> to. A move that is not here is a conflict.
ORGANIZATION_MOVES: dict[OrganizationState, frozenset[OrganizationState]] = {
    OrganizationState.PROVISIONING: frozenset(
        {OrganizationState.TRIAL, OrganizationState.ACTIVE, OrganizationState.DELETING}
    ),
    OrganizationState.TRIAL: frozenset(
        {
            OrganizationState.ACTIVE,
            OrganizationState.PAST_DUE,
            OrganizationState.SUSPENDED,
            OrganizationState.CLOSING,
            OrganizationState.DELETING,
        }
    ),
    OrganizationState.ACTIVE: frozenset(
        {
            OrganizationState.PAST_DUE,
            OrganizationState.SUSPENDED,
            OrganizationState.CLOSING,
            OrganizationState.DELETING,
        }
    ),
    OrganizationState.PAST_DUE: frozenset(
        {
            OrganizationState.ACTIVE,
            OrganizationState.SUSPENDED,
            OrganizationState.CLOSING,
            OrganizationState.DELETING,
        }
    ),
    OrganizationState.SUSPENDED: frozenset(
        {
            OrganizationState.TRIAL,
            OrganizationState.ACTIVE,
            OrganizationState.PAST_DUE,
            OrganizationState.CLOSING,
            OrganizationState.DELETING,
        }
    ),
    # Back to where it was, or on to the end.
    OrganizationState.CLOSING: frozenset(
        {
            OrganizationState.TRIAL,
            OrganizationState.ACTIVE,
            OrganizationState.PAST_DUE,
            OrganizationState.SUSPENDED,
            OrganizationState.DELETING,
        }
    ),
    OrganizationState.DELETING: frozenset({OrganizationState.DELETED}),
    OrganizationState.DELETED: frozenset(),
}

# States in which the tenant host answers normally.
OPEN_STATES = frozenset({OrganizationState.TRIAL, OrganizationState.ACTIVE, OrganizationState.PAST_DUE})

# States in which it answers at all, if only to say why it is closed.
ANSWERING_STATES = OPEN_STATES | {
    OrganizationState.PROVISIONING,
    OrganizationState.SUSPENDED,
    OrganizationState.CLOSING,
}


class DomainKind(models.TextChoices):
    """How an organization got a host name."""

    SUBDOMAIN = "subdomain", "Subdomain of the platform"
    CUSTOM = "custom", "Customer's own domain"


class SchemaState(models.TextChoices):
    """Life of one tenant schema, from the pool to the end."""

    BUILDING = "building", "Building"
    READY = "ready", "Ready"
    CLAIMED = "claimed", "Claimed"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "Dropped"


class Suspension(models.TextChoices):
    """What a suspended organization's host still answers."""

    FULL = "full", "Nothing"
    READ_ONLY = "read_only", "Reading only"


class RunState(models.TextChoices):
    """Life of one run of the wave migrator."""

    RUNNING = "running", "Running"
    STOPPING = "stopping", "Stopping"
    STOPPED = "stopped", "Stopped"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class RunDirection(models.TextChoices):
    """Where a run of the migrator takes the schemas."""

    FORWARD = "forward", "Forward"
    BACK = "back", "Back"
