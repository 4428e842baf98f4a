"""States and kinds of courses."""

from django.db import models


class CourseState(models.TextChoices):
    """Whether learners can be given the course."""

    DRAFT = "draft", "Draft"
    PENDING_REVIEW = "pending_review", "Pending review"
    REJECTED = "rejected", "Rejected"
    PUBLISHED = "published", "Published"
    UNPUBLISHED = "unpublished", "Unpublished"
    ARCHIVED = "archived", "Archived"


class VersionState(models.TextChoices):
    """A draft can be edited; a published version never changes again."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"


class ReviewState(models.TextChoices):
    """Where one submission of a draft stands."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ReviewStanding(models.TextChoices):
    """How far a version has come with its reviewers."""

    NONE = "none", "Not submitted"
    PENDING = "pending", "Waiting"
    APPROVED = "approved", "Approved as it stands"
    OUTDATED = "outdated", "Edited since it was submitted or approved"
    REJECTED = "rejected", "Rejected"


class LessonKind(models.TextChoices):
    """What a lesson is made of."""

    TEXT = "text", "Text"
    DOCUMENT = "document", "Document"
    EMBED = "embed", "External embed"
    AUDIO = "audio", "Audio"
    VIDEO = "video", "Video"
    QUIZ = "quiz", "Quiz"
    ASSIGNMENT = "assignment", "Assignment"
    LIVE_CLASS = "live_class", "Live class"
    SCORM = "scorm", "SCORM package"


class BodyFormat(models.TextChoices):
    """How the source of a text lesson is written."""

    MARKDOWN = "markdown", "Markdown"
    HTML = "html", "HTML"


class Level(models.TextChoices):
    """What a course expects of its learners."""

    BEGINNER = "beginner", "Beginner"
    INTERMEDIATE = "intermediate", "Intermediate"
    ADVANCED = "advanced", "Advanced"
    ALL = "all", "All levels"


class PriceType(models.TextChoices):
    """What being enrolled costs."""

    FREE = "free", "Free"
    PAID = "paid", "Paid"
    SUBSCRIPTION = "subscription", "Part of a subscription"


class AccessType(models.TextChoices):
    """How long somebody enrolled may learn."""

    LIFETIME = "lifetime", "Without limit"
    LIMITED = "limited", "A number of days"
    SUBSCRIPTION = "subscription", "As long as the subscription"


class NeedKind(models.TextChoices):
    """Whether another course must, or should, be completed before."""

    REQUIRED = "required", "Required"
    ADVISED = "advised", "Advised"


class RelationKind(models.TextChoices):
    """What one course is to another."""

    SIMILAR = "similar", "Similar"
    NEXT_LEVEL = "next_level", "Next level"
    COMPLEMENTARY = "complementary", "Complementary"


class InstructorRole(models.TextChoices):
    """What somebody is in the making of a course."""

    PRIMARY = "primary", "Primary"
    CO_INSTRUCTOR = "co_instructor", "Co-instructor"
    ASSISTANT = "assistant", "Assistant"


class InstructorState(models.TextChoices):
    """Whether somebody's courses may be published."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    SUSPENDED = "suspended", "Suspended"


# From each state, the states that can follow. Publishing a version makes a course published. A rejected
# course is published when another draft of it was approved, or reviews were switched off; out of the archive
# a course goes back to what it was.
COURSE_MOVES: dict[CourseState, frozenset[CourseState]] = {
    CourseState.DRAFT: frozenset({CourseState.PENDING_REVIEW, CourseState.PUBLISHED, CourseState.ARCHIVED}),
    CourseState.PENDING_REVIEW: frozenset(
        {CourseState.DRAFT, CourseState.REJECTED, CourseState.PUBLISHED, CourseState.ARCHIVED}
    ),
    CourseState.REJECTED: frozenset(
        {CourseState.DRAFT, CourseState.PENDING_REVIEW, CourseState.PUBLISHED, CourseState.ARCHIVED}
    ),
    CourseState.PUBLISHED: frozenset({CourseState.UNPUBLISHED, CourseState.ARCHIVED}),
    CourseState.UNPUBLISHED: frozenset({CourseState.PUBLISHED, CourseState.ARCHIVED}),
    CourseState.ARCHIVED: frozenset(CourseState) - {CourseState.ARCHIVED},
}
# How administrators decide about instructors. Nobody becomes pending by being decided about.
INSTRUCTOR_MOVES: dict[InstructorState, frozenset[InstructorState]] = {
    InstructorState.PENDING: frozenset(
        {InstructorState.APPROVED, InstructorState.REJECTED, InstructorState.SUSPENDED}
    ),
    InstructorState.APPROVED: frozenset({InstructorState.SUSPENDED}),
    InstructorState.REJECTED: frozenset({InstructorState.APPROVED, InstructorState.SUSPENDED}),
    InstructorState.SUSPENDED: frozenset({InstructorState.APPROVED}),
}
# Such instructors prepare courses and publish none.
BARRED: frozenset[InstructorState] = frozenset({InstructorState.REJECTED, InstructorState.SUSPENDED})
