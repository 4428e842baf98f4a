"""The editor's screen in one call: a version with what the caller may do to it and has not saved."""

import uuid
from dataclasses import dataclass

from shared_apps.core.actors import Actor
from shared_apps.core.policies import may
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, WorkingCopy
from tenant_apps.courses.policies import (
    EDIT,
    EDIT_RIGHT,
    PUBLISH,
    PUBLISH_RIGHT,
    rights_on,
    sees_everything,
)
from tenant_apps.courses.selectors.counts import editor_counts
from tenant_apps.courses.selectors.outline import read_version
from tenant_apps.courses.types import VersionOutline


@dataclass(frozen=True, slots=True)
class EditorView:
    """A version as its editor shows it.

    Attributes:
        can: acts open to the caller, by name.
        counts: of the tree as it is now; those kept by publishing are in the outline.
        autosaved_lesson_ids: lessons in which the caller has writing that is not saved.
    """

    outline: VersionOutline
    can: dict[str, bool]
    counts: dict[str, int]
    autosaved_lesson_ids: tuple[uuid.UUID, ...]


def read_for_editing(*, actor: Actor, version_id: uuid.UUID) -> EditorView:
    """Return the version's whole tree and what the caller may do; a fixed number of queries.

    Raises:
        Forbidden, NotFound: as for `read_version`.
    """
    outline = read_version(actor=actor, version_id=version_id)
    state = Course.objects.filter(pk=outline.course_id).values_list("state", flat=True).get()
    held = rights_on(actor, outline.course_id)
    everything = sees_everything(actor)
    in_use = state != CourseState.ARCHIVED
    is_draft = outline.state == VersionState.DRAFT
    edits = in_use and (EDIT_RIGHT in held or (everything and may(actor, EDIT)))
    publishes = in_use and (PUBLISH_RIGHT in held or (everything and may(actor, PUBLISH)))
    autosaved = WorkingCopy.objects.filter(
        lesson__version_id=outline.id, member_id=actor.membership_id
    ).order_by("lesson_id")
    return EditorView(
        outline=outline,
        can={
            "edit": edits and is_draft,
            "publish": publishes and is_draft,
            "delete": edits and is_draft,
            "draft": edits,
            "preview": True,
        },
        counts=editor_counts(outline),
        autosaved_lesson_ids=tuple(autosaved.values_list("lesson_id", flat=True))
        if edits and is_draft
        else (),
    )
