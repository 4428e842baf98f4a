"""Who has completed what a course builds on."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from tenant_apps.courses.selectors.facts import Prerequisite, prerequisites_of
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import Enrollment


@dataclass(frozen=True, slots=True)
class Lack:
    """The courses one person has not completed, of those that should be, in the order to show them."""

    required: tuple[dict[str, str], ...] = ()
    advised: tuple[dict[str, str], ...] = ()


def lacking(course_id: uuid.UUID, member_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Lack]:
    """Return what each member lacks of the course's prerequisites. Two statements for any number of people.

    Completed is completed in any run, and stays so when access to it is over or it is taken anew.
    """
    asked = list(member_ids)
    needed = prerequisites_of(course_id)
    if not needed:
        return {member_id: Lack() for member_id in asked}
    done = defaultdict(set)
    rows = Enrollment.objects.filter(
        Q(completed_at__isnull=False) | Q(state=EnrollmentState.COMPLETED),
        member_id__in=asked,
        run__course_id__in=[each.course_id for each in needed],
    )
    for member_id, course in rows.order_by().values_list("member_id", "run__course_id"):
        done[member_id].add(course)
    return {member_id: _lack(needed, done[member_id]) for member_id in asked}


def _lack(needed: list[Prerequisite], done: set[uuid.UUID]) -> Lack:
    missing = [each for each in needed if each.course_id not in done]
    return Lack(
        tuple(_shown(each) for each in missing if each.kind == "required"),
        tuple(_shown(each) for each in missing if each.kind != "required"),
    )


def _shown(each: Prerequisite) -> dict[str, str]:
    return {"course_id": str(each.course_id), "slug": each.slug, "title": each.title}
