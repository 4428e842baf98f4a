"""Change one's own profile."""

from shared_apps.accounts.services.profiles import do_update_user
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.people.policies import PROFILE


def update_profile(
    *, actor: Actor, name: str | None = None, timezone: str | None = None, language: str | None = None
) -> None:
    """Write parts of one's own profile; None leaves one as it is. It holds in every organization.

    Raises:
        UnknownTimezone, UnknownLanguage: malformed values.
    """
    with entry_transaction():
        require(actor, PROFILE)
        user = do_update_user(user_id=actor.user_id, name=name, timezone=timezone, language=language)
        given = {"name": name, "timezone": timezone, "language": language}
        do_record(
            actor=actor,
            action="profile.update",
            organization_id=actor.organization_id,
            target=user,
            changes={"fields": [key for key, value in given.items() if value is not None]},
        )
