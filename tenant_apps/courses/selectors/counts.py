"""What a version counts, of the tree alone."""

from tenant_apps.courses.types import VersionOutline


def counts_of(outline: VersionOutline) -> dict[str, int]:
    """Return what publishing counts, by column: of what learners meet, topics with their lessons' minutes and
    resources, not as lessons of their own."""
    shown = [
        (lesson, [lesson, *(topic for topic in lesson.topics if topic.is_published)])
        for lesson in outline.lessons
        if lesson.is_published
    ]
    return {
        "module_count": sum(any(each.is_published for each in module.lessons) for module in outline.modules),
        "lesson_count": len(shown),
        "required_count": sum(lesson.is_required for lesson, _ in shown),
        "resource_count": sum(len(each.resources) for _, family in shown for each in family),
        "minutes": sum(each.minutes for _, family in shown for each in family),
    }
