"""Who may decide about a draft: a second pair of eyes, or nobody."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from shared_apps.core.actors import ADMINS
from shared_apps.onboarding.types import OWN_SETTINGS, REVIEW_REQUIRED, REVIEW_SETTING
from tenant_apps.courses.enums import BARRED
from tenant_apps.courses.models import CourseVersion
from tenant_apps.courses.policies import PUBLISH_RIGHT, RIGHT_HOLDERS
from tenants.context import current_organization
from tenants.selectors.organizations import get_setting

_REVIEWERS = """
SELECT p.id, p.email, p.first_name, p.language
  FROM people_member p
  JOIN accounts_membership m ON m.id = p.id AND m.organization_id = %(organization)s AND m.status = 'active'
 WHERE (m.role = ANY(%(admins)s) OR (m.role = ANY(%(holders)s)
        AND EXISTS (SELECT FROM courses_courseright r JOIN auth_permission a ON a.id = r.permission_id
                     WHERE r.content_object_id = %(course)s AND r.user_id = p.user_id
                       AND a.codename = %(right)s)
        AND NOT EXISTS (SELECT FROM courses_instructorprofile f
                         WHERE f.member_id = p.id AND f.state = ANY(%(barred)s))))
   AND p.id <> ALL(%(authors)s::uuid[])
   AND NOT EXISTS (SELECT FROM courses_courseinstructor i
                    WHERE i.course_id = %(course)s AND i.member_id = p.id)
 ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who may decide; `language` is "" where the company knows none."""

    member_id: uuid.UUID
    email: str
    first_name: str
    language: str


def review_is_required() -> bool:
    """Tell whether the organization publishes only what somebody approved; one query."""
    found = get_setting(
        organization_id=current_organization().id, name=REVIEW_SETTING, default=OWN_SETTINGS[REVIEW_SETTING]
    )
    return bool(found == REVIEW_REQUIRED)


def find_reviewers(version: CourseVersion, *, submitter_id: uuid.UUID | None) -> list[Reviewer]:
    """Return who may decide about the draft: administrators, and members who hold `publish_course` on the
    course, without its submitter, its editors and everybody who has a part in the course."""
    authors = [*version.editor_ids, *([str(submitter_id)] if submitter_id else [])]
    names: dict[str, Any] = {
        "organization": current_organization().id,
        "admins": sorted(ADMINS),
        "holders": sorted(RIGHT_HOLDERS),
        "course": version.course_id,
        "right": PUBLISH_RIGHT,
        "barred": sorted(BARRED),
        "authors": authors,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REVIEWERS, names)
        return [Reviewer(*row) for row in cursor.fetchall()]
