"""In a process of its own: take a message in, and be killed between its commit and the sending of its task.

python -m tests.billing.killed_door <key> <kind> <object>
"""

import sys

import django


def main(key: str, kind: str, object_ref: str) -> None:
    """Replace the sending by death, then take the message in."""
    django.setup()
    # After setup: these modules need the app registry.
    from billing.gateways.types import Notice
    from billing.services.gateway import inbox
    from shared_apps.core import clock, jobs
    from tenants.context import in_public
    from tests.support.dying import die

    setattr(jobs, "send_now", die)  # noqa: B010  not an attribute of its own
    with in_public():
        inbox.take_in([Notice(key=key, kind=kind, object_ref=object_ref, occurred_at=clock.now())])


if __name__ == "__main__":
    main(*sys.argv[1:])
