"""Kinds of what learners leave in lessons."""

from django.db import models


class MarkKind(models.TextChoices):
    """A place to come back to, or a text."""

    BOOKMARK = "bookmark", "Bookmark"
    NOTE = "note", "Note"
