"""Random edits of a draft, made with the services authors use, of every kind that a new version can bring."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError
from tenant_apps.courses.models import Lesson, LessonResource, Module
from tenant_apps.courses.services.duplicating import duplicate_lesson, duplicate_module
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.resources import add_resource, delete_resource
from tenant_apps.courses.services.structure import (
    ModuleOrder,
    add_lesson,
    add_module,
    add_topic,
    delete_lesson,
    delete_module,
    order_topics,
    order_version,
    set_version_rules,
    update_lesson,
    update_module,
)


@dataclass
class Script:
    """Edits of one draft, and the mapping that goes with those that lineage does not tell.

    Attributes:
        done: how often each kind was done; an edit that the rules refuse is none.
    """

    actor: Actor
    version_id: uuid.UUID
    chance: random.Random
    mapping: list[dict[str, Any]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _mapped: set[uuid.UUID] = field(default_factory=set)

    def run(self, kinds: list[str]) -> None:
        """Do one edit of each of these kinds, in this order."""
        for kind in kinds:
            try:
                if KINDS[kind](self):
                    self.done[kind] += 1
            except DomainError:
                continue

    def publish(self) -> None:
        """Publish; where nothing is left to learn, or rules name what is gone, mend that first."""
        try:
            publish_version(actor=self.actor, version_id=self.version_id, revision="*")
        except DomainError:
            for lesson in Lesson.objects.filter(version_id=self.version_id):
                self._lesson(lesson, release=None, due=None, requires=[])
            for module in Module.objects.filter(version_id=self.version_id):
                self._module(module, release=None, due=None, requires=[])
            self.add_lesson()
            publish_version(actor=self.actor, version_id=self.version_id, revision="*")

    # What is there.

    def lessons(self, **facts: Any) -> list[Lesson]:
        """Return the draft's lessons (and topics, without `parent`), in a stable order."""
        return list(Lesson.objects.filter(version_id=self.version_id, **facts).order_by("lineage"))

    def modules(self) -> list[Module]:
        """Return the draft's modules in order."""
        return list(Module.objects.filter(version_id=self.version_id).order_by("position"))

    def _pick(self, found: list[Any]) -> Any:
        return self.chance.choice(found) if found else None

    def _new_lineage(self, lesson_id: uuid.UUID) -> uuid.UUID:
        return Lesson.objects.values_list("lineage", flat=True).get(pk=lesson_id)

    def _free(self) -> list[Lesson]:
        """Return published lessons, of the version before too, that no rule of the mapping names."""
        return [
            lesson
            for lesson in self.lessons(parent=None, is_published=True)
            if lesson.lineage not in self._mapped
        ]

    def _lesson(self, lesson: Lesson | None, **facts: Any) -> bool:
        if lesson is None:
            return False
        update_lesson(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=lesson.id,
            revision="*",
            facts=facts,  # type: ignore[arg-type]
        )
        return True

    def _module(self, module: Module | None, **facts: Any) -> bool:
        if module is None:
            return False
        update_module(
            actor=self.actor,
            version_id=self.version_id,
            module_id=module.id,
            revision="*",
            facts=facts,  # type: ignore[arg-type]
        )
        return True

    def _delete(self, lesson: Lesson) -> bool:
        delete_lesson(actor=self.actor, version_id=self.version_id, lesson_id=lesson.id, revision="*")
        return True

    # The kinds.

    def add_module(self) -> bool:
        made = add_module(
            actor=self.actor,
            version_id=self.version_id,
            revision="*",
            facts={"title": f"Module {self.chance.randrange(1000)}"},
            position=self.chance.randrange(len(self.modules()) + 1),
        )
        self.add_lesson(Module.objects.get(pk=made.id))
        return True

    def remove_module(self) -> bool:
        modules = self.modules()
        if len(modules) < 2:
            return False
        delete_module(
            actor=self.actor,
            version_id=self.version_id,
            module_id=self._pick(modules).id,
            revision="*",
        )
        return True

    def reorder(self) -> bool:
        """Shuffle the modules, and the lessons over all of them."""
        modules, lessons = self.modules(), self.lessons(parent=None)
        self.chance.shuffle(modules)
        self.chance.shuffle(lessons)
        held: dict[uuid.UUID, list[uuid.UUID]] = {module.id: [] for module in modules}
        for lesson in lessons:
            held[self._pick(modules).id].append(lesson.id)
        order_version(
            actor=self.actor,
            version_id=self.version_id,
            revision="*",
            order=[ModuleOrder(module.id, tuple(held[module.id])) for module in modules],
        )
        return True

    def rename_module(self) -> bool:
        return self._module(self._pick(self.modules()), title=f"Renamed {self.chance.randrange(1000)}")

    def module_rule(self) -> bool:
        return self._module(self._pick(self.modules()), release={"kind": "days", "days": 0})

    def add_lesson(self, module: Module | None = None) -> bool:
        module = module or self._pick(self.modules())
        if module is None:
            self.add_module()
            module = self._pick(self.modules())
        self._write(module)
        return True

    def _write(self, module: Module, title: str = "Added") -> uuid.UUID:
        made = add_lesson(
            actor=self.actor,
            version_id=self.version_id,
            revision="*",
            module_id=module.id,
            facts={"title": title, "body": f"Text {self.chance.random()}"},
        )
        return made.id

    def remove_lesson(self) -> bool:
        lesson = self._pick(self.lessons(parent=None))
        return False if lesson is None else self._delete(lesson)

    def move_lesson(self) -> bool:
        lesson, module = self._pick(self.lessons(parent=None)), self._pick(self.modules())
        if lesson is None or module.id == lesson.module_id:
            return False
        update_lesson(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=lesson.id,
            revision="*",
            facts={},
            module_id=module.id,
        )
        return True

    def rename_lesson(self) -> bool:
        return self._lesson(self._pick(self.lessons()), title=f"Renamed {self.chance.randrange(1000)}")

    def split(self) -> bool:
        lesson = self._pick(self._free())
        if lesson is None:
            return False
        made = [self._write(lesson.module, "Half") for _ in range(2)]
        targets = [self._new_lineage(each) for each in made]
        if self.chance.random() < 0.5:
            targets[0] = lesson.lineage  # goes on under its own lineage
            self._delete(Lesson.objects.get(pk=made[0]))
        else:
            self._delete(lesson)
        self._map("split", [lesson.lineage], targets)
        return True

    def merge(self) -> bool:
        free = self._free()
        if len(free) < 2:
            return False
        first, second = self.chance.sample(free, 2)
        target = self._new_lineage(self._write(first.module, "Merged"))
        self._delete(first)
        self._delete(second)
        self._map("merged", [first.lineage, second.lineage], [target])
        self.mapping[-1]["when"] = self.chance.choice(["all", "any"])
        return True

    def replace(self) -> bool:
        lesson = self._pick(self._free())
        if lesson is None:
            return False
        target = self._new_lineage(self._write(lesson.module, "Instead"))
        self._delete(lesson)
        self._map("replaced", [lesson.lineage], [target])
        return True

    def _map(self, kind: str, sources: list[uuid.UUID], targets: list[uuid.UUID]) -> None:
        self.mapping.append({"kind": kind, "from": sources, "to": targets})
        self._mapped.update(sources, targets)

    def change_body(self) -> bool:
        return self._lesson(self._pick(self.lessons(kind="text")), body=f"Other {self.chance.random()}")

    def change_kind(self) -> bool:
        lesson = self._pick(self.lessons(kind="text"))
        return self._lesson(lesson, kind="video", media_url="https://media.example/a.mp4")

    def required(self) -> bool:
        lesson = self._pick(self.lessons())
        return self._lesson(lesson, is_required=not lesson.is_required) if lesson else False

    def weight(self) -> bool:
        return self._lesson(self._pick(self.lessons(parent=None)), weight=self.chance.randrange(1, 9))

    def published(self) -> bool:
        lesson = self._pick(self.lessons())
        return self._lesson(lesson, is_published=not lesson.is_published) if lesson else False

    def add_topic(self) -> bool:
        lesson = self._pick(self.lessons(parent=None))
        if lesson is None:
            return False
        add_topic(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=lesson.id,
            revision="*",
            facts={"title": "Topic", "body": "More", "is_required": self.chance.random() < 0.7},
        )
        return True

    def remove_topic(self) -> bool:
        topic = self._pick(self.lessons(parent__isnull=False))
        return False if topic is None else self._delete(topic)

    def reorder_topics(self) -> bool:
        lesson = self._pick([each for each in self.lessons(parent=None) if each.topics.exists()])
        if lesson is None:
            return False
        topics = list(lesson.topics.values_list("id", flat=True))
        self.chance.shuffle(topics)
        order_topics(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=lesson.id,
            revision="*",
            topic_ids=topics,
        )
        return True

    def release(self) -> bool:
        rule = self.chance.choice(
            [None, {"kind": "days", "days": 0}, {"kind": "date", "local": "2026-01-05T09:00"}]
        )
        return self._lesson(self._pick(self.lessons()), release=rule)

    def requires(self) -> bool:
        found = self.lessons(parent=None)
        if len(found) < 2:
            return False
        first, second = self.chance.sample(found, 2)
        return self._lesson(second, requires=[str(first.lineage)])

    def due(self) -> bool:
        rule = self.chance.choice([None, {"kind": "days", "days": 9, "at": "18:00"}])
        return self._lesson(self._pick(self.lessons()), due=rule)

    def sequential(self) -> bool:
        return self._rules(sequential=self.chance.random() < 0.5)

    def completion(self) -> bool:
        return self._rules(
            completion=self.chance.choice(
                [{"kind": "all_required"}, {"kind": "percent", "percent": 50}, {"kind": "manual"}]
            )
        )

    def _rules(self, **rules: Any) -> bool:
        set_version_rules(actor=self.actor, version_id=self.version_id, revision="*", rules=rules)
        return True

    def duplicate_lesson(self) -> bool:
        lesson = self._pick(self.lessons(parent=None))
        if lesson is None:
            return False
        duplicate_lesson(actor=self.actor, version_id=self.version_id, lesson_id=lesson.id, revision="*")
        return True

    def duplicate_module(self) -> bool:
        module = self._pick(self.modules())
        duplicate_module(actor=self.actor, version_id=self.version_id, module_id=module.id, revision="*")
        return True

    def add_resource(self) -> bool:
        lesson = self._pick(self.lessons())
        if lesson is None:
            return False
        add_resource(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=lesson.id,
            revision="*",
            facts={"title": "Paper", "url": "https://papers.example/a"},
        )
        return True

    def remove_resource(self) -> bool:
        resource = self._pick(
            list(LessonResource.objects.filter(version_id=self.version_id).order_by("lineage"))
        )
        if resource is None:
            return False
        delete_resource(
            actor=self.actor,
            version_id=self.version_id,
            lesson_id=resource.lesson_id,
            resource_id=resource.id,
            revision="*",
        )
        return True


KINDS: dict[str, Callable[[Script], bool]] = {
    name: getattr(Script, name)
    for name in (
        "add_module",
        "remove_module",
        "reorder",
        "rename_module",
        "module_rule",
        "add_lesson",
        "remove_lesson",
        "move_lesson",
        "rename_lesson",
        "split",
        "merge",
        "replace",
        "change_body",
        "change_kind",
        "required",
        "weight",
        "published",
        "add_topic",
        "remove_topic",
        "reorder_topics",
        "release",
        "requires",
        "due",
        "sequential",
        "completion",
        "duplicate_lesson",
        "duplicate_module",
        "add_resource",
        "remove_resource",
    )
}
