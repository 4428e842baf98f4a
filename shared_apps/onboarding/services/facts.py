"""Change what is known of an organization: by operators all of it, by its own admins what is theirs."""

import uuid
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Conflict
from shared_apps.core.hosts import canonical_host_pattern
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.errors import EmbedHostMalformed, OriginMalformed, UnknownTimezone
from shared_apps.onboarding.policies import ORGANIZATION_EDIT, ORGANIZATIONS_MANAGE
from shared_apps.onboarding.types import OWN_SETTINGS, is_origin, is_timezone
from tenants.context import in_public
from tenants.enums import OrganizationState
from tenants.models import Organization
from tenants.scope import OrganizationRef
from tenants.services.organizations import do_change_facts, get_locked

OWN_FACTS = frozenset({"name", "timezone", "language", "branding", "settings"})


def update_organization(*, actor: Actor, organization_id: uuid.UUID, changes: dict[str, Any]) -> Organization:
    """Change facts of any organization, as an operator.

    Args:
        changes: name, timezone, language, branding; `settings` is merged by name into those there are.

    Raises:
        NotFound: there is none.
        UnknownTimezone, OriginMalformed, EmbedHostMalformed: a value is wrong.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        return _do_change(actor, organization_id, changes)


def update_own_organization(
    *, actor: Actor, organization: OrganizationRef, changes: dict[str, Any]
) -> Organization:
    """Change facts of the actor's own organization: name, timezone, language, branding; of the settings those
    of `OWN_SETTINGS`, merged by name into those there are.

    A tenant's database role may only read the registry, so the write stands in the shared schema.

    Raises:
        UnknownTimezone: a value is wrong.
    """
    with in_public(), entry_transaction():
        require(actor, ORGANIZATION_EDIT)
        own = {name: value for name, value in changes.items() if name in OWN_FACTS}
        if "settings" in own:
            own["settings"] = {name: each for name, each in own["settings"].items() if name in OWN_SETTINGS}
        return _do_change(actor, organization.id, own)


def _do_change(actor: Actor, organization_id: uuid.UUID, changes: dict[str, Any]) -> Organization:
    organization = get_locked(organization_id)
    if organization.state in {OrganizationState.DELETING, OrganizationState.DELETED}:
        raise Conflict(state=organization.state)
    wanted = dict(changes)
    if "timezone" in wanted and not is_timezone(wanted["timezone"]):
        raise UnknownTimezone(field="timezone", timezone=wanted["timezone"])
    if "settings" in wanted:
        wanted["settings"] = {**organization.settings, **_checked_settings(wanted["settings"])}
    recorded = do_change_facts(organization, wanted)
    if recorded:
        do_record(
            actor=actor,
            action="organizations.update",
            organization_id=organization_id,
            target=organization,
            changes=recorded,
        )
    return organization


def _checked_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings as they are kept: hosts for embeds in the form in which lessons compare them."""
    for origin in settings.get("cors_origins", ()):
        if not is_origin(origin):
            raise OriginMalformed(field="settings.cors_origins", origin=origin)
    if "embed_allowed_hosts" not in settings:
        return settings
    hosts = []
    for entry in settings["embed_allowed_hosts"]:
        host = canonical_host_pattern(entry)
        if host is None:
            raise EmbedHostMalformed(field="settings.embed_allowed_hosts", host=entry)
        hosts.append(host)
    return {**settings, "embed_allowed_hosts": list(dict.fromkeys(hosts))}
