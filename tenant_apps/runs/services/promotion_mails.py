"""The mail to whoever was let in from the waiting list."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.context import current_organization
from tenants.links import public_url
from tenants.selectors.hosts import primary_host

COURSE_PAGE = "/my-courses/{enrollment}"

_READERS = """
SELECT m.id, m.email, COALESCE(NULLIF(m.first_name, ''), m.email), m.language, r.title, c.title
  FROM people_member m, runs_courserun r JOIN courses_course c ON c.id = r.course_id
 WHERE m.id = ANY(%s) AND r.id = %s
"""


@dataclass(frozen=True, slots=True)
class Promoted:
    """Somebody who waited and now is in."""

    place_id: uuid.UUID
    member_id: uuid.UUID
    enrollment_id: uuid.UUID


def do_mail_promoted(run_id: uuid.UUID, promoted: Sequence[Promoted]) -> None:
    """Write to them, each once and in their language, by the outbox of the open transaction."""
    if not promoted:
        return
    organization_id = current_organization().id
    host = primary_host(organization_id)
    with connection.cursor() as cursor:
        cursor.execute(_READERS, [[each.member_id for each in promoted], run_id])
        readers = {row[0]: row[1:] for row in cursor.fetchall()}
    messages = []
    for each in promoted:
        email, name, language, run_title, course_title = readers[each.member_id]
        context = {
            "name": name,
            "course": course_title,
            "run": run_title,
            "link": public_url(host, COURSE_PAGE.format(enrollment=each.enrollment_id)),
        }
        payload = {"template": "runs/promoted", "to": email, "language": language, "context": context}
        messages.append(Message(MAIL_TOPIC, payload, dedupe_key=f"promoted:{each.place_id.hex}"))
    do_send(messages, organization_id=organization_id)
