"""Many edits of a draft's lessons in one call, one transaction and one revision: all of them or none.

The lessons are read once, the acts are done on them in memory, and what came of it is written in a number of
statements that does not grow with the acts.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import BulkRefused, RuleRefused, TopicOfTopic, UnknownModule
from tenant_apps.courses.models import CourseVersion, Lesson, LessonText, Module, WorkingCopy
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.checks import do_check_rules_of
from tenant_apps.courses.services.content import LessonFacts, allowed_embed_hosts, apply_facts
from tenant_apps.courses.services.duplicating import copies_of, do_write_copies
from tenant_apps.courses.services.edits import RULES
from tenant_apps.courses.services.steps import do_audit, do_count_edit, do_lock_draft
from tenant_apps.courses.services.texts import do_drop_texts
from tenant_apps.courses.services.tree import LessonPlace, do_place_lessons
from tenant_apps.courses.services.trimming import do_delete_lessons
from tenant_apps.media.selectors.files import existing_file_ids

MAX_ACTS: Final = 500
ACTS: Final = ("create", "update", "move", "duplicate", "delete", "publish")

_Place = tuple[uuid.UUID | None, uuid.UUID | None]


class BulkAct(TypedDict, total=False):
    """One act. `create` and `move` name a module, or with `parent_id` the lesson to be a topic of; `publish`
    sets `is_published`; positions count from 0, last without one."""

    op: Literal["create", "update", "move", "duplicate", "delete", "publish"]
    lesson_id: uuid.UUID
    module_id: uuid.UUID
    parent_id: uuid.UUID
    position: int
    is_published: bool
    facts: LessonFacts


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """The draft's new revision, and for each act the id of the lesson it was about or made."""

    revision: int
    lesson_ids: tuple[uuid.UUID, ...]


def change_lessons(
    *, actor: Actor, version_id: uuid.UUID, revision: str, acts: Sequence[BulkAct]
) -> BulkOutcome:
    """Do all acts in their order, or none of them.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        BulkRefused: some acts cannot be done; each is named with its index, code and facts.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        hand = _Hand(draft, acts)
        results, refusals = [], []
        for index, act in enumerate(acts):
            try:
                results.append(hand.do(index, act))
            except DomainError as error:
                refusals.append({"index": index, "code": error.code, "facts": error.facts})
        if refusals:
            raise BulkRefused(rows=refusals)
        hand.do_write(actor)
        revision_now = do_count_edit(draft)
        counts: dict[str, int] = defaultdict(int)
        for act in acts:
            counts[act["op"]] += 1
        do_audit(
            actor=actor,
            action=EDIT.name,
            target=draft,
            act="bulk",
            version_id=str(draft.id),
            revision=revision_now,
            acts=dict(counts),
        )
        return BulkOutcome(revision_now, tuple(results))


class _Hand:
    """The lessons of a locked draft in memory, with what the acts made of them.

    Attributes:
        lessons: by id, without those deleted.
        places: ids in order, by (module, None) for lessons and (None, lesson) for topics.
    """

    def __init__(self, draft: CourseVersion, acts: Sequence[BulkAct]) -> None:
        self.draft = draft
        self.lessons = {
            lesson.id: lesson
            for lesson in Lesson.objects.filter(version=draft)
            .select_related("text")
            .defer("text__body", "text__body_html")
            .order_by("position")
        }
        self.places: dict[_Place, list[uuid.UUID]] = defaultdict(list)
        for lesson in self.lessons.values():
            self.places[_place_of(lesson)].append(lesson.id)
        self.modules = set(Module.objects.filter(version=draft).order_by().values_list("id", flat=True))
        asked = [act["facts"] for act in acts if "facts" in act]
        self.hosts = (
            allowed_embed_hosts() if any("embed_url" in each or "kind" in each for each in asked) else ()
        )
        named = [each["document_id"] for each in asked if each.get("document_id")]
        self.files = existing_file_ids([each for each in named if each]) if named else set()
        self.made: dict[uuid.UUID, Lesson] = {}
        self.duplicated: list[tuple[Lesson, list[Lesson], Lesson]] = []
        self.changed: dict[uuid.UUID, set[str]] = defaultdict(set)
        self.deleted: set[uuid.UUID] = set()
        self.touched: set[_Place] = set()
        self.old_text_ids: list[uuid.UUID | None] = []
        self.ruled: dict[uuid.UUID, int] = {}

    def do(self, index: int, act: BulkAct) -> uuid.UUID:
        """Do one act in memory and return the id of its lesson."""
        match act["op"]:
            case "create":
                return self._create(index, act)
            case "update":
                return self._update(index, self._lesson(act), act["facts"])
            case "publish":
                return self._update(index, self._lesson(act), {"is_published": act["is_published"]})
            case "move":
                return self._move(self._lesson(act), act)
            case "duplicate":
                return self._duplicate(self._lesson(act))
            case "delete":
                return self._delete(self._lesson(act))

    def do_write(self, actor: Actor) -> None:
        """Write everything, in a number of statements that does not grow."""
        made = {key: row for key, row in self.made.items() if key not in self.deleted}
        kept = {
            key: names for key, names in self.changed.items() if key not in self.deleted and key not in made
        }
        rows = [self.lessons[key] for key in kept]
        texts = {
            row.text.id: row.text for row in (*made.values(), *rows) if row.text and row.text._state.adding
        }
        LessonText.objects.bulk_create(texts.values())
        Lesson.objects.bulk_create(made.values())
        if rows:
            for row in rows:
                row.revision += 1
                row.updated_at = clock.now()
            names = set().union(*kept.values()) - {"text_id", "document_id"}
            keys = (
                {"text", "document"}
                if any(each & {"text_id", "document_id"} for each in kept.values())
                else set()
            )
            Lesson.objects.bulk_update(rows, sorted({*names, *keys, "revision", "updated_at"}))
            WorkingCopy.objects.filter(lesson__in=kept, member_id=actor.membership_id).delete()
        self._do_place()
        # Last, so that what was duplicated before it was deleted is still there to be copied.
        self._do_write_duplicates()
        stored = self.deleted - set(self.made)
        if stored:
            do_delete_lessons(self.draft.id, Lesson.objects.filter(pk__in=stored))
        do_drop_texts(self.old_text_ids)
        try:
            do_check_rules_of(self.draft, self.ruled)
        except RuleRefused as error:
            index = self.ruled[uuid.UUID(str(error.facts["lineage"]))]
            raise BulkRefused(rows=[{"index": index, "code": error.code, "facts": error.facts}]) from error

    def _lesson(self, act: BulkAct) -> Lesson:
        lesson = self.lessons.get(act["lesson_id"])
        if lesson is None:
            raise NotFound
        return lesson

    def _wanted_place(self, act: BulkAct) -> _Place:
        parent_id = act.get("parent_id")
        if parent_id is None:
            if act["module_id"] not in self.modules:
                raise UnknownModule(field="module_id")
            return (act["module_id"], None)
        parent = self.lessons.get(parent_id)
        if parent is None:
            raise NotFound
        if parent.parent_id is not None:
            raise TopicOfTopic
        return (None, parent_id)

    def _put(self, lesson: Lesson, place: _Place, position: int | None) -> None:
        siblings = self.places[place]
        siblings.insert(len(siblings) if position is None else min(position, len(siblings)), lesson.id)
        lesson.parent_id = place[1]
        lesson.module_id = place[0] or self.lessons[place[1]].module_id  # type: ignore[index]
        self.touched.add(place)

    def _take(self, lesson: Lesson) -> None:
        place = _place_of(lesson)
        self.places[place].remove(lesson.id)
        self.touched.add(place)

    def _create(self, index: int, act: BulkAct) -> uuid.UUID:
        place = self._wanted_place(act)
        lesson = Lesson(version=self.draft)
        self._apply(index, lesson, act["facts"])
        lesson.position = 0
        self.lessons[lesson.id] = self.made[lesson.id] = lesson
        self._put(lesson, place, act.get("position"))
        return lesson.id

    def _update(self, index: int, lesson: Lesson, facts: LessonFacts) -> uuid.UUID:
        old_text_id = lesson.text_id
        changed = self._apply(index, lesson, facts)
        self.changed[lesson.id] |= changed
        if "text_id" in changed:
            self.old_text_ids.append(old_text_id)
        return lesson.id

    def _apply(self, index: int, lesson: Lesson, facts: LessonFacts) -> set[str]:
        changed = apply_facts(lesson, facts, hosts=self.hosts, files=self.files)
        if changed & RULES:
            self.ruled[lesson.lineage] = index
        return changed

    def _move(self, lesson: Lesson, act: BulkAct) -> uuid.UUID:
        place = self._wanted_place(act)
        if place[1] is not None and (place[1] == lesson.id or self.places.get((None, lesson.id))):
            raise TopicOfTopic
        self._take(lesson)
        self._put(lesson, place, act.get("position"))
        for topic_id in self.places.get((None, lesson.id), ()):
            self.lessons[topic_id].module_id = lesson.module_id
        self.changed[lesson.id] |= set()
        return lesson.id

    def _duplicate(self, lesson: Lesson) -> uuid.UUID:
        topics = [copy(self.lessons[each]) for each in self.places.get((None, lesson.id), ())]
        twin = Lesson(version=self.draft, title=lesson.title)
        # As they are now: later acts may move, change or delete them.
        self.duplicated.append((copy(lesson), topics, twin))
        self.lessons[twin.id] = twin
        place = _place_of(lesson)
        self._put(twin, place, self.places[place].index(lesson.id) + 1)
        return twin.id

    def _delete(self, lesson: Lesson) -> uuid.UUID:
        family = [lesson.id, *self.places.pop((None, lesson.id), ())]
        self._take(lesson)
        self.deleted |= set(family)
        for key in family:
            self.lessons.pop(key, None)
        return lesson.id

    def _do_write_duplicates(self) -> None:
        left = [each for each in self.duplicated if each[2].id not in self.deleted]
        while left:
            # What was duplicated twice is copied in two goes; each go is a fixed number of statements.
            go: dict[uuid.UUID, tuple[Lesson, list[Lesson], Lesson]] = {}
            again = []
            for each in left:
                family = {each[0].id, *(topic.id for topic in each[1])}
                taken = {key for one in go.values() for key in (one[0].id, *(topic.id for topic in one[1]))}
                again.append(each) if family & taken else go.update({each[0].id: each})
            self._do_copy(go)
            left = again

    def _do_copy(self, go: dict[uuid.UUID, tuple[Lesson, list[Lesson], Lesson]]) -> None:
        topics = [topic for _, each, _ in go.values() for topic in each]
        copies = copies_of(self.draft, [source for source, _, _ in go.values()], topics=topics)
        twins = {copies.lessons[source_id].id: twin for source_id, (_, _, twin) in go.items()}
        for made in copies.lessons.values():
            if made.id in twins:
                twin = twins[made.id]
                made.id, made.module_id, made.parent_id = twin.id, twin.module_id, twin.parent_id
                made.position = self.places[_place_of(twin)].index(twin.id)
            elif made.parent_id in twins:
                twin = twins[made.parent_id]
                made.parent_id, made.module_id = twin.id, twin.module_id
        for resource in copies.resources:
            if resource.lesson_id in twins:
                resource.lesson_id = twins[resource.lesson_id].id
        do_write_copies(copies)

    def _do_place(self) -> None:
        places = [
            LessonPlace(key, self.lessons[key].module_id, self.lessons[key].parent_id)
            for place in self.touched
            if place[1] is None or place[1] in self.lessons
            for key in self.places.get(place, ())
        ]
        if places:
            do_place_lessons(places)


def _place_of(lesson: Lesson) -> _Place:
    return (None, lesson.parent_id) if lesson.parent_id else (lesson.module_id, None)
