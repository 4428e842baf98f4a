"""What becomes of the cohort places and rights of somebody who left the organization."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.types import Outgoing
from tenant_apps.cohorts.models import CohortMember, CohortRight
from tenant_apps.people.selectors.departures import find_departed_user
from tenants.context import current_organization

MEMBER_REMOVED = "event.member_removed"


def leave_departed(message: Outgoing) -> None:
    """Take a removed member out of every cohort, and their rights on cohorts away.

    The runs hear of the departure themselves. Somebody who was taken back before the message arrived keeps
    everything. Safe to repeat.
    """
    member_id = uuid.UUID(str(message.payload["member_id"]))
    organization_id = current_organization().id
    with entry_transaction():
        user_id = find_departed_user(member_id=member_id)
        if user_id is None:
            return
        # In the order in which lists of people are given their places.
        places = CohortMember.objects.filter(member_id=member_id, left_at__isnull=True).order_by("cohort_id")
        cohorts = dict(places.select_for_update(no_key=True).values_list("id", "cohort_id"))
        now = clock.now()
        CohortMember.objects.filter(id__in=list(cohorts)).update(left_at=now, updated_at=now)
        rights, _ = CohortRight.objects.filter(user_id=user_id).delete()
        if not cohorts and not rights:
            return
        do_record(
            actor=system_actor("cohorts.leave_departed", organization_id),
            action="cohorts.leave_departed",
            organization_id=organization_id,
            target_kind="member",
            target_id=member_id,
            changes={"left": [str(each) for each in cohorts.values()], "rights": rights},
        )
