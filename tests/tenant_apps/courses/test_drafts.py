"""Copies of versions: the same content, in a number of statements that does not grow."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from tenant_apps.courses.errors import UnknownVersion
from tenant_apps.courses.locks import version_to_change, version_to_copy
from tenant_apps.courses.models import CourseVersion, Lesson, LessonText, Translation
from tenant_apps.courses.selectors.diff import compare_versions
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services.drafts import copy_version, create_draft, delete_draft
from tenant_apps.courses.services.texts import new_text
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.factories.whole_versions import make_whole_draft
from tests.support.actors import actor_as
from tests.support.measures import run_together, statements


@pytest.fixture
def admin(acme: Organization, member: Callable[..., Membership]) -> Actor:
    return actor_as(member(acme, Role.ADMIN))


@pytest.mark.feature("VER-01")
def test_a_copy_takes_the_same_number_of_statements_at_any_size(acme: Organization, admin: Actor) -> None:
    small = make_published_course(acme, modules=1, lessons=1)
    large = make_published_course(acme, modules=20, lessons=50)
    with in_organization(acme):
        with statements() as few:
            copy_version(actor=admin, version_id=small.version_id)
        with statements() as many:
            copy = copy_version(actor=admin, version_id=large.version_id)

        assert len(few) == len(many)
        assert sum(len(module.lessons) for module in get_outline(copy.id).modules) == 1000
        assert digest_of(get_outline(copy.id)) == digest_of(get_outline(large.version_id))
        assert _lineages(get_outline(copy.id)) == _lineages(get_outline(large.version_id))


@pytest.mark.feature("VER-01")
def test_everything_a_version_holds_is_copied_and_its_texts_are_shared(
    acme: Organization, admin: Actor
) -> None:
    with in_organization(acme):
        source = make_whole_draft()
        texts = LessonText.objects.count()

        copy = copy_version(actor=admin, version_id=source.id, note="Spring")

        assert compare_versions(source.id, copy.id).is_empty
        assert digest_of(get_outline(copy.id)) == digest_of(get_outline(source.id))
        assert (copy.based_on_id, copy.note, copy.rules) == (source.id, "Spring", source.rules)
        assert LessonText.objects.count() == texts
        for lesson in Lesson.objects.filter(version=copy).select_related("parent", "module"):
            original = Lesson.objects.select_related("parent").get(version=source, lineage=lesson.lineage)
            assert lesson.text_id == original.text_id
            assert lesson.linked_id == original.linked_id
            assert lesson.module.version_id == copy.id
            assert getattr(lesson.parent, "lineage", None) == getattr(original.parent, "lineage", None)
            assert lesson.parent is None or lesson.parent.version_id == copy.id
        assert set(
            CourseVersion.objects.get(pk=copy.pk).resources.values_list("lesson__version", flat=True)
        ) == {copy.id}


@pytest.mark.feature("VER-01")
@pytest.mark.parametrize("which", ["older", "newest", "draft"])
def test_a_draft_is_made_from_any_version(acme: Organization, admin: Actor, which: str) -> None:
    older = make_published_course(acme, modules=1, lessons=1)
    newest = publish_another_version(acme, older.course_id, modules=1, lessons=2)
    draft = publish_another_version(acme, older.course_id, modules=1, lessons=3, published=False)
    source = {"older": older, "newest": newest, "draft": draft}[which]
    with in_organization(acme):
        made = create_draft(actor=admin, course_id=older.course_id, based_on_id=source.version_id)

        assert (made.number, made.state, made.based_on_id) == (4, "draft", source.version_id)
        assert compare_versions(source.version_id, made.id).is_empty


def test_nothing_named_means_the_newest_and_another_course_s_version_is_refused(
    acme: Organization, admin: Actor
) -> None:
    course, other = make_published_course(acme), make_published_course(acme)
    with in_organization(acme):
        first = create_draft(actor=admin, course_id=course.course_id, based_on_id=None)
        second = create_draft(actor=admin, course_id=course.course_id, based_on_id=None)

        assert second.based_on_id == first.id
        for version_id in (other.version_id, uuid.uuid4()):
            with pytest.raises(UnknownVersion):
                create_draft(actor=admin, course_id=course.course_id, based_on_id=version_id)


def test_a_draft_thrown_away_takes_the_texts_that_nobody_else_has(acme: Organization, admin: Actor) -> None:
    with in_organization(acme):
        source = make_whole_draft()
        shared = set(LessonText.objects.values_list("id", flat=True))
        copy = copy_version(actor=admin, version_id=source.id)
        own, translated = new_text("Only here", "markdown"), new_text("Nur hier", "markdown")
        own.save()
        translated.save()
        Lesson.objects.filter(version=copy, title="Leaves").update(text=own)
        Translation.objects.filter(version=copy, title="Wasser").update(text=translated)

        delete_draft(actor=admin, version_id=copy.id, revision="*")

        assert set(LessonText.objects.values_list("id", flat=True)) == shared
        assert not Lesson.objects.exclude(version=source).exists()
        assert not Translation.objects.exclude(version=source).exists()


def test_a_copy_waits_for_an_edit_of_its_source(committed: None, acme: Organization) -> None:
    """Half an edit must never be copied: whoever edits holds the version, and the copy locks it too."""
    course = make_published_course(acme)
    held, copied = threading.Event(), threading.Event()
    waited = []

    def edit() -> None:
        with in_organization(acme), transaction.atomic():
            version_to_change(course.version_id).get()
            held.set()
            waited.append(not copied.wait(0.5))
        connection.close()

    def copy() -> None:
        held.wait(10)
        with in_organization(acme), transaction.atomic():
            assert list(version_to_copy(course.course_id, course.version_id))
        copied.set()
        connection.close()

    run_together([edit, copy])

    assert (waited, copied.is_set()) == ([True], True)


def _lineages(outline: Any) -> list[Any]:
    return [(module.lineage, [lesson.lineage for lesson in module.lessons]) for module in outline.modules]
