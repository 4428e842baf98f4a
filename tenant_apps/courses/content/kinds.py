"""The kinds of lessons: one registry of what each must hold to be published, and of who completes it.

Text, document, audio, video and embed are built in, and learners complete them by hand. Quiz, assignment,
live class and SCORM package are places: they can be drafted (with `linked_id` naming the object once there is
one), and published as soon as an app of their own has registered them, from its `AppConfig.ready`:

    register(Kind("quiz", completed_by="linked", problem=quiz_problem))

An app that registers a kind completed by its linked object keeps three promises. It names the object by
`Lesson.linked_id`. Its `problem` says whether the object is ready, without writing. And when a member has
done what the object asks, it calls `do_complete_linked` of learning with member, enrollment and the lesson's
lineage, in the transaction of its own record, as often as it likes: completing twice completes once. Learners
cannot complete such a lesson by hand (`is_completed_by_hand`), and neither can a player's report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tenant_apps.courses.content.embeds import check_embed_url
from tenant_apps.courses.content.errors import ContentError
from tenant_apps.courses.enums import LessonKind
from tenant_apps.courses.types import OutlineLesson

# Given the lesson and the hosts that embeds may come from, the code of what is missing, or None.
Problem = Callable[[OutlineLesson, tuple[str, ...]], str | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of lesson.

    Attributes:
        name: of `LessonKind`.
        completed_by: "hand" for learners themselves, "linked" for the object the lesson stands for.
        problem: what keeps a lesson of the kind from being published.
    """

    name: str
    completed_by: Literal["hand", "linked"]
    problem: Problem


def _text(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    # A lesson may be nothing but its topics.
    shown = lesson.body_html.strip() or any(topic.is_published for topic in lesson.topics)
    return None if shown else "body_empty"


def _document(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    return None if lesson.document else "document_missing"


def _embed(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    try:
        # Again, since the list of hosts may have changed after the lesson was written.
        check_embed_url(lesson.embed_url, hosts)
    except ContentError as error:
        return error.code
    return None


def _audio(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    if not lesson.media_url:
        return "media_missing"
    return None if lesson.duration_seconds else "duration_missing"


def _video(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    if lesson.embed_url:
        return _embed(lesson, hosts)
    return None if lesson.media_url else "media_missing"


def _not_available(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    return "lesson_kind_not_available"


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(LessonKind.TEXT.value, "hand", _text),
        Kind(LessonKind.DOCUMENT.value, "hand", _document),
        Kind(LessonKind.AUDIO.value, "hand", _audio),
        Kind(LessonKind.VIDEO.value, "hand", _video),
        Kind(LessonKind.EMBED.value, "hand", _embed),
        Kind(LessonKind.QUIZ.value, "linked", _not_available),
        Kind(LessonKind.ASSIGNMENT.value, "linked", _not_available),
        Kind(LessonKind.LIVE_CLASS.value, "linked", _not_available),
        Kind(LessonKind.SCORM.value, "linked", _not_available),
    )
}


def register(kind: Kind) -> None:
    """Put an app's kind in its place; the last registration counts."""
    KINDS[LessonKind(kind.name).value] = kind


def is_completed_by_hand(name: str) -> bool:
    """Tell whether learners complete lessons of the kind themselves."""
    return KINDS[name].completed_by == "hand"


def problem_of(lesson: OutlineLesson, hosts: tuple[str, ...]) -> str | None:
    """Return the code of what keeps the lesson from being published, None for nothing."""
    return KINDS[lesson.kind].problem(lesson, hosts)
