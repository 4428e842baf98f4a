"""Run in a process of its own: confirm a change, and be killed at a given place.

python -m tests.billing.killed_change <place> <organization's id> <token>
"""

import sys
import uuid

import django


def main(place: str, organization: str, token: str) -> None:
    """Replace the function at `place` by death, then confirm."""
    django.setup()
    # After setup: these modules need the app registry.
    from billing.services.changes import making, previewed
    from shared_apps.core.actors import system_actor
    from tests.support.dying import die

    module = previewed if hasattr(previewed, place) else making
    setattr(module, place, die)
    identifier = uuid.UUID(organization)
    previewed.confirm_change(actor=system_actor("test", identifier), organization_id=identifier, token=token)


if __name__ == "__main__":
    main(*sys.argv[1:])
