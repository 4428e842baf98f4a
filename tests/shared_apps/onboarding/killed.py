"""Run in a process of its own: begin to provision or delete an organization, and be killed at a given place.

python -m tests.shared_apps.onboarding.killed <place> <slug or id>
"""

import sys
import uuid

import django


def main(place: str, target: str) -> None:
    """Replace the function at `place` by death, then act."""
    django.setup()
    # After setup: these modules need the app registry.
    from shared_apps.core.actors import system_actor
    from shared_apps.onboarding.services import offboarding, provisioning
    from shared_apps.onboarding.types import NewOrganization
    from tenants.context import in_public
    from tests.support.dying import die, die_in_the_middle_of_the_ddl

    actor = system_actor("test")
    match place:
        case "after the first commit":
            setattr(provisioning, "build_schema", die)  # noqa: B010  not an attribute of its own
        case "in the middle of the DDL":
            die_in_the_middle_of_the_ddl()
        case "before the organization opens":
            setattr(provisioning, "do_change_state", die)  # noqa: B010  not an attribute of its own
        case _ if place.startswith("deleting: "):
            setattr(offboarding, place.removeprefix("deleting: "), die)
        case _:
            raise SystemExit(f"no such place: {place}")
    with in_public():
        if place.startswith("deleting: "):
            offboarding.continue_offboarding(organization_id=uuid.UUID(target))
        else:
            provisioning.provision_organization(
                actor=actor,
                request=NewOrganization(name="Initech", slug=target, owner_email="owner@initech.example"),
                creation_key="the-one-wish",
            )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
