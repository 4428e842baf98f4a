"""Forms that moves are kept and told in."""

import uuid
from collections.abc import Sequence
from typing import Any

from tenant_apps.learning.content.mapping import MapRule
from tenant_apps.learning.content.moving import Standing, shown_in
from tenant_apps.learning.types import Outline


def standing_text(standing: Standing) -> dict[str, Any]:
    """Return the counters and the percentage as JSON."""
    return {
        "completed": standing.completed,
        "required_completed": standing.required_completed,
        "weight": standing.weight,
        "percent": standing.percent,
    }


def lesson_ids_of(outline: Outline) -> dict[str, str]:
    """Return the id of each lesson and topic of the version by lineage."""
    return {lineage: outline.units[lineage].id for lineage in shown_in(outline)}


def translate_lesson(
    lesson_id: uuid.UUID | None, before: Outline, after: Outline, rules: Sequence[MapRule] = ()
) -> uuid.UUID | None:
    """Return the same lesson in the other version, or the first that stands for it; itself where there is
    none, since it still says where the learner was."""
    row = None if lesson_id is None else before.lesson(lesson_id)
    if row is None:
        return lesson_id
    lineage = row["lineage"]
    stands_for = [target for rule in rules if lineage in rule.sources for target in rule.targets]
    for each in [lineage, *stands_for]:
        unit = after.units.get(each)
        if unit is not None:
            return uuid.UUID(unit.id)
    return lesson_id
