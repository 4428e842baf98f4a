"""The mails of reviews: to those who may decide that a draft waits, to its submitter what was decided."""

from collections.abc import Iterable
from typing import Any, Final

from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.courses.models import Course, VersionReview
from tenant_apps.courses.selectors.reviewers import Reviewer
from tenants.context import current_organization
from tenants.selectors.hosts import primary_host

# A large organization has more administrators than a draft needs readers.
MOST_READERS: Final = 20


def do_mail_submitted(review: VersionReview, course: Course, reviewers: Iterable[Reviewer]) -> None:
    """Tell reviewers that a draft waits for them."""
    require_transaction()
    readers = list(reviewers)[:MOST_READERS]
    facts = _facts(review, course) | {"message": review.message}
    do_send(
        [
            _mail("review_submitted", reader.email, reader.language, reader.first_name, facts, review)
            for reader in readers
        ],
        organization_id=current_organization().id,
    )


def do_mail_decided(review: VersionReview, course: Course) -> None:
    """Tell the submitter what was decided, and why."""
    require_transaction()
    reader = review.submitted_by
    if reader is None:
        return
    facts = _facts(review, course) | {"reason": review.reason}
    do_send(
        [_mail(f"review_{review.state}", reader.email, reader.language, reader.first_name, facts, review)],
        organization_id=current_organization().id,
    )


def _facts(review: VersionReview, course: Course) -> dict[str, Any]:
    return {
        "course": course.title,
        "version": review.version.number,
        "host": primary_host(current_organization().id),
    }


def _mail(
    template: str, to: str, language: str, name: str, facts: dict[str, Any], review: VersionReview
) -> Message:
    payload: dict[str, Any] = {
        "template": f"courses/{template}",
        "to": to,
        "context": {"name": name, **facts},
    }
    if language:
        payload["language"] = language
    return Message(MAIL_TOPIC, payload, dedupe_key=f"review:{review.id.hex}:{template}:{to}")
