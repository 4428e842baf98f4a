"""Publishing: the database keeps what was published, and races end in one answer."""

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Actor, Role
from tenant_apps.courses.models import Course, CourseVersion, Lesson, Module
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services.content import LessonFacts
from tenant_apps.courses.services.courses import create_course
from tenant_apps.courses.services.drafts import copy_version, create_draft
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.structure import add_lesson, add_module
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.actors import actor_as
from tests.support.measures import in_parallel

Make = Callable[..., Membership]


def _draft(actor: Actor, slug: str = "a") -> uuid.UUID:
    course = create_course(actor=actor, slug=slug, title="A")
    version_id = CourseVersion.objects.get(course=course).id
    module = add_module(actor=actor, version_id=version_id, revision="1", facts={"title": "M"})
    facts: LessonFacts = {"title": "L", "body": "Text"}
    add_lesson(actor=actor, version_id=version_id, revision="2", module_id=module.id, facts=facts)
    return version_id


@pytest.mark.feature("VER-01")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE courses_lesson SET title = 'x' WHERE version_id = %s",
        "DELETE FROM courses_lesson WHERE version_id = %s",
        "UPDATE courses_module SET title = 'x' WHERE version_id = %s",
        "INSERT INTO courses_module (id, created_at, updated_at, version_id, lineage, key, title, summary,"
        " position) VALUES (gen_random_uuid(), now(), now(), %s, gen_random_uuid(), '', 'x', '', 9)",
        "UPDATE courses_courseversion SET note = 'x' WHERE id = %s",
        "UPDATE courses_courseversion SET state = 'draft' WHERE id = %s",
        "DELETE FROM courses_courseversion WHERE id = %s",
    ],
)
def test_raw_sql_cannot_change_what_is_published(acme: Organization, member: Make, statement: str) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = _draft(actor)
        publish_version(actor=actor, version_id=version_id, revision="3")
        before = get_outline(version_id)
        Course.objects.update(current_version=None)

        with (
            pytest.raises(IntegrityError, match="published course version cannot be changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [version_id])

        assert get_outline(version_id) == before


@pytest.mark.feature("VER-03")
def test_the_hash_can_be_computed_again_and_copies_have_the_same(acme: Organization, member: Make) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = _draft(actor)
        publish_version(actor=actor, version_id=version_id, revision="3")
        copy = copy_version(actor=actor, version_id=version_id)
        publish_version(actor=actor, version_id=copy.id, revision="1")

        first, second = get_outline(version_id), get_outline(copy.id)

        assert first.content_hash == digest_of(first)
        assert second.content_hash == first.content_hash


@pytest.mark.feature("VER-01")
def test_one_draft_published_by_many_at_once_is_published_once(
    committed: None, acme: Organization, member: Make
) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = _draft(actor)

    results = in_parallel(
        acme, [lambda: publish_version(actor=actor, version_id=version_id, revision="3")] * 4
    )

    assert results == [None] * 4
    assert AuditEvent.objects.filter(action="courses.publish").count() == 1


@pytest.mark.feature("VER-01")
def test_publishing_and_editing_at_once_never_freezes_half_an_edit(
    committed: None, acme: Organization, member: Make
) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = _draft(actor)

    def edit() -> str:
        add_module(actor=actor, version_id=version_id, revision="3", facts={"title": "Late"})
        return "edited"

    def publish() -> str:
        publish_version(actor=actor, version_id=version_id, revision="3")
        return "published"

    results = set(in_parallel(acme, [edit, publish]))

    with in_organization(acme):
        outline = get_outline(version_id)
    assert results in ({"published", "version_frozen"}, {"edited", "stale_version"})
    assert len(outline.modules) == (1 if "published" in results else 2)
    assert outline.content_hash == (digest_of(outline) if "published" in results else "")


@pytest.mark.feature("CNT-19")
def test_of_many_edits_of_one_revision_one_wins(committed: None, acme: Organization, member: Make) -> None:
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        version_id = _draft(actor)

    def edit() -> str:
        add_module(actor=actor, version_id=version_id, revision="3", facts={"title": "New"})
        return "edited"

    results = in_parallel(acme, [edit] * 5)

    assert sorted(results) == ["edited"] + ["stale_version"] * 4
    with in_organization(acme):
        assert Module.objects.filter(version_id=version_id).count() == 2


def test_drafts_made_at_once_have_numbers_of_their_own(
    committed: None, acme: Organization, member: Make
) -> None:
    course = make_published_course(acme)
    actor = actor_as(member(acme, Role.ADMIN))

    in_parallel(acme, [lambda: create_draft(actor=actor, course_id=course.course_id, based_on_id=None)] * 5)

    with in_organization(acme):
        numbers = list(
            CourseVersion.objects.filter(course_id=course.course_id).values_list("number", flat=True)
        )
        assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
        assert Lesson.objects.count() == 36
