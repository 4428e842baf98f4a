"""A course folder's content as rows of a draft, in which everything keeps its lineage by key."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.content.keys import derived_lineage, keys_of
from tenant_apps.courses.content.sanitize import ATTACHMENT_SCHEME
from tenant_apps.courses.content.source import (
    CourseSource,
    LessonSource,
    ModuleSource,
    RulesSource,
    SourceFile,
    TextSource,
    TranslationSource,
)
from tenant_apps.courses.models import CourseVersion, Lesson, LessonResource, LessonText, Module, Translation
from tenant_apps.courses.services.content import plain_summary
from tenant_apps.courses.services.texts import new_text


@dataclass(slots=True)
class Known:
    """What the course has already: lineages by key, resources and texts of the version before.

    Attributes:
        modules, lessons: lineage by key.
        resources: by the lineage of their lesson, lineage and title in order.
        old: lineages that some version of the course has.
        texts: id by digest.
    """

    modules: dict[str, uuid.UUID] = field(default_factory=dict)
    lessons: dict[str, uuid.UUID] = field(default_factory=dict)
    resources: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = field(default_factory=dict)
    old: set[uuid.UUID] = field(default_factory=set)
    texts: dict[str, uuid.UUID] = field(default_factory=dict)


def do_write_rows(
    draft: CourseVersion,
    source: CourseSource,
    *,
    newest: CourseVersion | None,
    files: Mapping[str, uuid.UUID],
) -> None:
    """Write the folder's content into an empty draft: five reads and five inserts, whatever the size.

    Args:
        draft: an empty draft.
        source: what the folder holds.
        newest: the version whose keys, and texts that are the same, are used again.
        files: id by path in the folder.

    Raises:
        LessonContentRefused: a text that cannot be shown.
    """
    require_transaction()
    rows = _Rows(draft, files, _known(draft.course_id, newest, source))
    rows.gather(source)
    Module.objects.bulk_create(rows.modules)
    LessonText.objects.bulk_create(rows.texts)
    Lesson.objects.bulk_create(rows.lessons)
    LessonResource.objects.bulk_create(rows.resources)
    Translation.objects.bulk_create(rows.translations)


@dataclass(slots=True)
class _Rows:
    """The rows of a draft while they are gathered."""

    draft: CourseVersion
    files: Mapping[str, uuid.UUID]
    known: Known
    modules: list[Module] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    texts: list[LessonText] = field(default_factory=list)
    resources: list[LessonResource] = field(default_factory=list)
    translations: list[Translation] = field(default_factory=list)
    # By "module:KEY" and "lesson:KEY", as rules name them.
    _lineages: dict[str, uuid.UUID] = field(default_factory=dict)
    _taken: set[uuid.UUID] = field(default_factory=set)

    def gather(self, source: CourseSource) -> None:
        """Make all rows. Lineages first, since rules may look ahead."""
        for module in source.modules:
            self._lineages[f"module:{module.key}"] = self._lineage(module.key, self.known.modules)
            for lesson in _with_topics(module.lessons):
                self._lineages[f"lesson:{lesson.key}"] = self._lineage(lesson.key, self.known.lessons)
        for position, module in enumerate(source.modules):
            self._add_module(position, module)

    def _lineage(self, key: str, known: Mapping[str, uuid.UUID]) -> uuid.UUID:
        derived = derived_lineage(key)
        found = known.get(key) or (derived if derived in self.known.old else None)
        lineage = found if found and found not in self._taken else new_id()
        self._taken.add(lineage)
        return lineage

    def _add_module(self, position: int, source: ModuleSource) -> None:
        module = Module(
            version=self.draft,
            lineage=self._lineages[f"module:{source.key}"],
            key=source.key,
            title=source.title,
            summary=plain_summary(source.summary),
            position=position,
            **self._rules(source.rules),
        )
        self.modules.append(module)
        self._add_translations(module.lineage, source.translations)
        for place, lesson in enumerate(source.lessons):
            self._add_lesson(module, None, place, lesson)

    def _add_lesson(self, module: Module, parent: Lesson | None, position: int, source: LessonSource) -> None:
        lesson = Lesson(
            version=self.draft,
            module=module,
            parent=parent,
            lineage=self._lineages[f"lesson:{source.key}"],
            key=source.key,
            title=source.title,
            kind=source.kind.value,
            position=position,
            is_published=source.is_published,
            is_required=source.is_required,
            is_preview=source.is_preview,
            is_downloadable=source.is_downloadable,
            minutes=source.duration_minutes or 0,
            weight=source.weight,
            text_id=self._text_id(TextSource(source.body, source.body_format, source.attachments)),
            document_id=_id_of(source.document, self.files),
            embed_url=source.embed_url or "",
            media_url=source.media_url,
            duration_seconds=source.duration_seconds,
            linked_id=source.linked_id,
            **self._rules(source.rules),
        )
        self.lessons.append(lesson)
        self._add_resources(lesson, source)
        self._add_translations(lesson.lineage, source.translations)
        for place, topic in enumerate(source.topics):
            self._add_lesson(module, lesson, place, topic)

    def _add_resources(self, lesson: Lesson, source: LessonSource) -> None:
        before = list(self.known.resources.get(lesson.lineage, ()))
        for position, resource in enumerate(source.resources):
            self.resources.append(
                LessonResource(
                    version=self.draft,
                    lesson=lesson,
                    lineage=self._resource_lineage(lesson.lineage, resource.key, resource.title, before),
                    title=resource.title,
                    file_id=_id_of(resource.file, self.files),
                    url=resource.url,
                    position=position,
                    is_downloadable=resource.is_downloadable,
                )
            )

    def _resource_lineage(
        self, lesson: uuid.UUID, key: str, title: str, before: Sequence[tuple[uuid.UUID, str]]
    ) -> uuid.UUID:
        """Return the lineage of a resource: that its key was made from, else one made from its key, which has
        no column of its own; without a key, that of the resource with its title."""
        derived = derived_lineage(key)
        if derived is not None and derived in self.known.old:
            found = derived
        elif key:
            found = uuid.uuid5(lesson, f"resource:{key}")
        else:
            same = (each for each, known in before if known == title and each not in self._taken)
            found = next(same, None) or new_id()
        lineage = new_id() if found in self._taken else found
        self._taken.add(lineage)
        return lineage

    def _add_translations(self, lineage: uuid.UUID, sources: Sequence[TranslationSource]) -> None:
        self.translations += [
            Translation(
                version=self.draft,
                lineage=lineage,
                language=each.language,
                title=each.title,
                summary=plain_summary(each.summary),
                text_id=self._text_id(each.text) if each.text else None,
            )
            for each in sources
        ]

    def _text_id(self, source: TextSource) -> uuid.UUID:
        body = _stored_body(source, self.files)
        digest = text_digest(source.body_format.value, body)
        if digest not in self.known.texts:
            text = new_text(body, source.body_format.value)
            self.texts.append(text)
            self.known.texts[digest] = text.id
        return self.known.texts[digest]

    def _rules(self, source: RulesSource) -> dict[str, Any]:
        return {
            "release": self._time_rule(source.release),
            "requires": [str(self._lineages[name]) for name in source.requires],
            "due": self._time_rule(source.due),
        }

    def _time_rule(self, rule: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if rule is None:
            return None
        return dict(rule) | ({"unit": str(self._lineages[rule["unit"]])} if "unit" in rule else {})


def _known(course_id: uuid.UUID, newest: CourseVersion | None, source: CourseSource) -> Known:
    found = Known(old=_old_lineages(course_id, source))
    if newest is None:
        return found
    modules = Module.objects.filter(version=newest).order_by("position")
    keys = keys_of(modules.values_list("lineage", "key"))
    found.modules = {key: lineage for lineage, key in keys.items()}
    lessons = list(
        Lesson.objects.filter(version=newest)
        .order_by("module__position", "parent__position", "position", "id")
        .values_list("lineage", "key", "text_id", "text__digest")
    )
    keys = keys_of((lineage, key) for lineage, key, _, _ in lessons)
    found.lessons = {key: lineage for lineage, key in keys.items()}
    found.texts = {digest: text_id for _, _, text_id, digest in lessons if text_id}
    translated = Translation.objects.filter(version=newest, text__isnull=False).order_by()
    found.texts |= {digest: text_id for text_id, digest in translated.values_list("text_id", "text__digest")}
    resources: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    rows = LessonResource.objects.filter(version=newest).order_by("position")
    for lesson, lineage, title in rows.values_list("lesson__lineage", "lineage", "title"):
        resources[lesson].append((lineage, title))
    found.resources = resources
    return found


def _old_lineages(course_id: uuid.UUID, source: CourseSource) -> set[uuid.UUID]:
    """Return those of the lineages in the folder's derived keys that are the course's own; a folder from
    elsewhere names others."""
    lessons = [lesson for module in source.modules for lesson in _with_topics(module.lessons)]
    keys = [
        *(module.key for module in source.modules),
        *(lesson.key for lesson in lessons),
        *(resource.key for lesson in lessons for resource in lesson.resources),
    ]
    wanted = [lineage for key in keys if (lineage := derived_lineage(key))]
    if not wanted:
        return set()
    tables = (Module, Lesson, LessonResource)
    found = [
        model.objects.filter(version__course_id=course_id, lineage__in=wanted).order_by().values("lineage")
        for model in tables
    ]
    return {row["lineage"] for row in found[0].union(*found[1:])}


def _with_topics(lessons: Sequence[LessonSource]) -> Iterator[LessonSource]:
    for lesson in lessons:
        yield lesson
        yield from lesson.topics


def _stored_body(text: TextSource, files: Mapping[str, uuid.UUID]) -> str:
    """Return the body with its pictures named by the ids of their files instead of paths of a folder.

    A body names a picture as the author wrote it, percent-encoded or not; longer paths go first, so that one
    which is the end of another stays whole.
    """
    body = text.body
    for picture in sorted(text.attachments, key=lambda each: -len(each.path)):
        new = f"{ATTACHMENT_SCHEME}:{files[picture.path]}/{quote(Path(picture.path).name)}"
        for written in {picture.path, quote(picture.path)}:
            body = body.replace(f"{ATTACHMENT_SCHEME}:{written}", new)
    return body


def _id_of(file: SourceFile | None, files: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
    return None if file is None else files[file.path]
