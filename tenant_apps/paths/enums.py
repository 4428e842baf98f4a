"""States and kinds of learning paths, with the allowed moves."""

from django.db import models


class PathState(models.TextChoices):
    """Whether people can be given the path."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    ARCHIVED = "archived", "Archived"


class StepKind(models.TextChoices):
    """What a step asks for."""

    COURSE = "course", "Course"
    MILESTONE = "milestone", "Milestone"
    QUIZ = "quiz", "Quiz"
    PROJECT = "project", "Project"


class PathEnrollmentState(models.TextChoices):
    """Life of somebody's place on a path."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class StepState(models.TextChoices):
    """What became of a step."""

    STARTED = "started", "Started"
    SUBMITTED = "submitted", "Submitted"
    REJECTED = "rejected", "Rejected"
    COMPLETED = "completed", "Completed"


PATH_MOVES: dict[PathState, frozenset[PathState]] = {
    PathState.DRAFT: frozenset({PathState.PUBLISHED, PathState.ARCHIVED}),
    PathState.PUBLISHED: frozenset({PathState.ARCHIVED}),
    PathState.ARCHIVED: frozenset({PathState.PUBLISHED}),
}

PATH_ENROLLMENT_MOVES: dict[PathEnrollmentState, frozenset[PathEnrollmentState]] = {
    PathEnrollmentState.ACTIVE: frozenset(
        {PathEnrollmentState.PAUSED, PathEnrollmentState.COMPLETED, PathEnrollmentState.WITHDRAWN}
    ),
    # A course that was under way may be finished during a pause, and with it the path.
    PathEnrollmentState.PAUSED: frozenset(
        {PathEnrollmentState.ACTIVE, PathEnrollmentState.COMPLETED, PathEnrollmentState.WITHDRAWN}
    ),
    PathEnrollmentState.COMPLETED: frozenset(),
    PathEnrollmentState.WITHDRAWN: frozenset({PathEnrollmentState.ACTIVE}),
}
