"""States and kinds of courses."""

from django.db import models


class CourseState(models.TextChoices):
    """Whether learners can be given the course."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    ARCHIVED = "archived", "Archived"


class VersionState(models.TextChoices):
    """A draft can be edited; a published version never changes again."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"


class LessonKind(models.TextChoices):
    """What a lesson is made of."""

    TEXT = "text", "Text"
    DOCUMENT = "document", "Document"
    EMBED = "embed", "External embed"


class BodyFormat(models.TextChoices):
    """How the source of a text lesson is written."""

    MARKDOWN = "markdown", "Markdown"
    HTML = "html", "HTML"


# From each state, the states that can follow. Publishing a version makes a course published.
COURSE_MOVES: dict[CourseState, frozenset[CourseState]] = {
    CourseState.DRAFT: frozenset({CourseState.PUBLISHED, CourseState.ARCHIVED}),
    CourseState.PUBLISHED: frozenset({CourseState.ARCHIVED}),
    CourseState.ARCHIVED: frozenset({CourseState.DRAFT, CourseState.PUBLISHED}),
}
