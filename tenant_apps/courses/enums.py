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
