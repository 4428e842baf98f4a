"""Refusals around the life of organizations."""

from shared_apps.core.errors import Conflict, InvalidInput


class CreationKeyReused(Conflict):
    """The key created another organization before."""

    code = "creation_key_reused"
    title = "This key already created another organization."
    advice = "Use a fresh Idempotency-Key for each organization."


class EmbedHostMalformed(InvalidInput):
    """An entry of the hosts for embeds is no host. Facts: `host`."""

    code = "embed_host_malformed"
    title = "This is not a host that could be embedded from."
    advice = "Use a host name without scheme, port and path: films.acme.example, or *.acme.example."


class NotConfirmed(InvalidInput):
    """The deletion was not confirmed with the organization's name."""

    code = "not_confirmed"
    title = "The deletion is not confirmed."
    advice = "Send the organization's present slug as `confirm`."


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
