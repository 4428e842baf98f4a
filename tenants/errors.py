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


class IllegalMove(Conflict):
    """The organization cannot go from its state to the asked one."""

    code = "illegal_state_change"
    title = "The organization's state does not allow this."
    advice = "Read the organization again to see its present state."
