"""Refusals around the life of organizations."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind


class CreationKeyReused(Conflict):
    """The key created another organization before."""

    code = "creation_key_reused"
    title = "This key already created another organization."
    advice = "Use a fresh Idempotency-Key for each organization."


class DeletionIncomplete(RuntimeError):
    """Something of a deleted organization was still there at the second look: no receipt, but an alarm."""


class EmbedHostMalformed(InvalidInput):
    """An entry of the hosts for embeds is no host. Facts: `host`."""

    code = "embed_host_malformed"
    title = "This is not a host that could be embedded from."
    advice = "Use a host name without scheme, port and path: films.acme.example, or *.acme.example."


class DomainMalformed(InvalidInput):
    """The name is no host name that could be a customer's own. Facts: `why`."""

    code = "domain_malformed"
    title = "This is not a domain that can be used."
    advice = "Send a full host name of your own, without scheme, port and path: learn.acme.example."


class DomainNotProven(Conflict):
    """The domain is not proven, so it cannot become the primary one."""

    code = "domain_not_proven"
    title = "This domain is not proven yet."
    advice = "Make the DNS records that the domain shows, then let them be checked."


class DomainCheckedJustNow(DomainError):
    """The records were looked up a moment ago."""

    code = "domain_checked_just_now"
    kind = Kind.THROTTLED
    title = "The DNS records were looked up a moment ago."
    advice = "Wait the seconds that Retry-After names."


class EntryForbidden(Forbidden):
    """The organization's owners let no operator in."""

    code = "support_entry_forbidden"
    title = "The organization does not let operators in."
    advice = "Ask one of its owners to allow it, or to invite you as a member."


class GraceTooLong(InvalidInput):
    """The grace is not between none and a year. Facts: `most`, in days."""

    code = "grace_too_long"
    title = "The days of grace are not between 0 and 365."


class NotConfirmed(InvalidInput):
    """The deletion was not confirmed with the organization's name."""

    code = "not_confirmed"
    title = "The deletion is not confirmed."
    advice = "Send the organization's present slug as `confirm`."


class ReceiptNotValid(InvalidInput):
    """A receipt was changed, or was signed with another key, or is none."""

    code = "receipt_not_valid"
    title = "This receipt is not valid."


class TooManyDomains(Conflict):
    """The organization has as many domains as it may. Facts: `most`."""

    code = "too_many_domains"
    title = "This organization has as many domains as it may."
    advice = "Remove one that is not needed."


class WaiverNeeded(InvalidInput):
    """Deleting without any grace leaves no time for an export, so somebody must say that none is needed."""

    code = "waiver_needed"
    title = "Without grace nobody can export the data first."
    advice = "Say in `export_waiver` why no export is needed, or leave days of grace."


class OriginMalformed(InvalidInput):
    """A browser origin has a wrong form. Facts: `origin`."""

    code = "origin_malformed"
    title = "This is not a browser origin."
    advice = "Use scheme and host, and a port if it is not the usual one: https://portal.acme.example."


class UnknownTimezone(InvalidInput):
    """There is no time zone of this name."""

    code = "unknown_timezone"
    title = "There is no time zone of this name."
    advice = "Use a name of the IANA time zone database, for example Europe/Berlin."


class SchemaNotFailed(Conflict):
    """Only a schema whose build failed is built again."""

    code = "schema_not_failed"
    title = "This schema did not fail."
    advice = "Look at its state again: it may have been built meanwhile."
