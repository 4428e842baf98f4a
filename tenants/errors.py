"""Refusals of the registry of organizations."""

from shared_apps.core.errors import Conflict, DomainError, InvalidInput, Kind, NotFound


class HostNotFound(NotFound):
    """No organization answers at this host; said alike for unknown, reserved and released names."""

    code = "host_not_found"
    title = "No organization answers at this address."
    advice = "Check the spelling of the address."


class OrganizationSuspended(DomainError):
    """The organization is suspended: its people cannot work until an operator resumes it."""

    code = "organization_suspended"
    kind = Kind.FORBIDDEN
    title = "This organization is suspended."
    advice = "Ask an administrator of your organization to contact support."


class OrganizationReadOnly(DomainError):
    """The organization is suspended for writing: its people can look things up and change nothing."""

    code = "organization_read_only"
    kind = Kind.FORBIDDEN
    title = "This organization can only be read for now."
    advice = "Ask an administrator of your organization to contact support."


class OrganizationClosing(DomainError):
    """The organization is being given up: closed to its people, and kept until the day that is told."""

    code = "organization_closing"
    kind = Kind.FORBIDDEN
    title = "This organization is being closed."
    advice = "Ask an administrator of your organization to contact support before the day in `delete_after`."


class OrganizationMoved(DomainError):
    """The organization has another address now. Reading is redirected; a write is not, since a client that
    follows sends it to a host it was not made for."""

    code = "organization_moved"
    kind = Kind.GONE
    title = "This organization has another address now."
    advice = "Send the request to `host`."


class OrganizationNotReady(DomainError):
    """The organization is still being set up."""

    code = "organization_provisioning"
    kind = Kind.UNAVAILABLE
    title = "This organization is being set up."
    advice = "Try again in a few seconds."


class OrganizationBehind(DomainError):
    """The organization's schema lacks migrations that the code needs: it waits, the others don't."""

    code = "organization_migrating"
    kind = Kind.UNAVAILABLE
    title = "This organization is being updated."
    advice = "Try again in a moment."


class NameNotAvailable(InvalidInput):
    """The subdomain is taken, reserved, resting, or looks too much like one of those."""

    code = "name_not_available"
    title = "This name cannot be used."
    advice = "Choose another name."


class NameMalformed(InvalidInput):
    """The subdomain is not a DNS label of 3 to 40 lower-case letters, digits and inner hyphens."""

    code = "name_malformed"
    title = "This name has a wrong form."
    advice = (
        "Use 3 to 40 lower-case letters a-z, digits and hyphens; start with a letter, end without a hyphen."
    )


class TooManyNames(Conflict):
    """The organization already keeps as many former subdomains as it may. Facts: `most`."""

    code = "too_many_names"
    title = "This organization has changed its name too often."
    advice = "Take a former name back, or ask the platform's operators."


class IllegalMove(Conflict):
    """The organization cannot go from its state to the asked one."""

    code = "illegal_state_change"
    title = "The organization's state does not allow this."
    advice = "Read the organization again to see its present state."


class NotACluster(Conflict):
    """The act needs a Citus cluster, and the database is none. Facts: `why`."""

    code = "not_a_cluster"
    title = "This database is not a Citus cluster."
    advice = "See docs/operators/citus.md for what makes it one."


class NodeUnfit(InvalidInput):
    """No node of the cluster that takes schemas is called so. Facts: `node`, `fit`."""

    code = "node_unfit"
    title = "There is no such node that takes schemas."
    advice = "See `manage.py placement nodes`."
