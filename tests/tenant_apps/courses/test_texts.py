"""Texts of lessons: shared by copies, never changed, gone with the last lesson that shows them."""

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.models import CourseVersion, Lesson, LessonText
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services.courses import create_course
from tenant_apps.courses.services.drafts import copy_version
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.structure import add_lesson, add_module, delete_lesson, update_lesson
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.actors import actor_as
from tests.support.measures import in_parallel

Make = Callable[..., Membership]


def published(actor: Actor) -> uuid.UUID:
    course = create_course(actor=actor, slug="a", title="A")
    version_id = CourseVersion.objects.get(course=course).id
    module = add_module(actor=actor, version_id=version_id, revision="1", facts={"title": "M"})
    for title in ("One", "Two"):
        add_lesson(
            actor=actor,
            version_id=version_id,
            revision="*",
            module_id=module.id,
            facts={"title": title, "body": title},
        )
    publish_version(actor=actor, version_id=version_id, revision="*")
    return version_id


def lesson_in(version_id: uuid.UUID, title: str) -> Lesson:
    return Lesson.objects.select_related("text").get(version_id=version_id, title=title)


@pytest.mark.feature("VER-03")
def test_an_edit_writes_another_text_and_leaves_the_shared_one(acme: Organization, member: Make) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = published(actor)
        before = get_outline(version_id)
        draft = copy_version(actor=actor, version_id=version_id)
        assert LessonText.objects.count() == 2
        one, two = lesson_in(draft.id, "One"), lesson_in(draft.id, "Two")

        def save(lesson: Lesson, body: str) -> None:
            update_lesson(
                actor=actor, version_id=draft.id, lesson_id=lesson.id, revision="*", facts={"body": body}
            )

        save(one, "One")
        unchanged = lesson_in(draft.id, "One").text_id
        save(one, "First")
        first = lesson_in(draft.id, "One").text_id
        save(one, "Second")
        second = lesson_in(draft.id, "One").text
        delete_lesson(actor=actor, version_id=draft.id, lesson_id=two.id, revision="*")

        assert unchanged == one.text_id
        assert not LessonText.objects.filter(pk__in=[first]).exists()
        assert second is not None
        assert (second.body, second.body_html) == ("Second", "<p>Second</p>\n")
        assert second.digest == text_digest("markdown", "Second")
        assert LessonText.objects.count() == 3
        assert get_outline(version_id) == before
        assert before.content_hash == digest_of(get_outline(version_id))


def test_a_text_is_never_changed(acme: Organization, member: Make) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        published(actor)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE courses_lessontext SET body = 'x'")


@pytest.mark.feature("VER-03")
def test_edits_of_two_drafts_at_once_leave_what_the_other_still_shows(
    committed: None, acme: Organization, member: Make
) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = published(actor)
        drafts = [copy_version(actor=actor, version_id=version_id).id for _ in range(2)]
        lessons = [lesson_in(draft, "One").id for draft in drafts]

    def edit(number: int) -> None:
        update_lesson(
            actor=actor,
            version_id=drafts[number],
            lesson_id=lessons[number],
            revision="lesson-1",
            facts={"body": f"Draft {number}"},
        )

    assert in_parallel(acme, [lambda: edit(0), lambda: edit(1)]) == [None, None]

    with in_organization(acme):
        shown = [lesson_in(each, "One").text for each in (version_id, *drafts)]
        assert [text.body if text else None for text in shown] == ["One", "Draft 0", "Draft 1"]
        assert LessonText.objects.count() == 4
