"""The readable difference between two versions."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import Forbidden, NotFound
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.errors import VersionsOfTwoCourses
from tenant_apps.courses.models import CourseVersion, Lesson, LessonResource, LessonText, Module, Translation
from tenant_apps.courses.selectors.diff import compare_versions, read_body_diff, read_diff
from tenant_apps.courses.services.drafts import copy_version
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.support.actors import actor_as
from tests.support.measures import statements


@pytest.fixture
def admin(acme: Organization, member: Callable[..., Membership]) -> Actor:
    return actor_as(member(acme, Role.ADMIN))


def _write(lesson: Lesson, body: str) -> None:
    text = LessonText.objects.create(body=body, digest=text_digest("markdown", body))
    Lesson.objects.filter(pk=lesson.pk).update(text=text)


def _facts(diff: Any) -> dict[str, list[tuple[str, str]]]:
    return {
        unit.title: [(change.code, change.field) for change in unit.changes]
        for module in diff.modules
        for unit in (
            module,
            *module.children,
            *(topic for each in module.children for topic in each.children),
        )
    }


@pytest.mark.feature("P11")
def test_each_kind_of_change_is_told_where_it_happened(acme: Organization, admin: Actor) -> None:
    old = make_published_course(acme, modules=3, lessons=3)
    with in_organization(acme):
        draft = copy_version(actor=admin, version_id=old.version_id)
        lessons = {each.title: each for each in Lesson.objects.filter(version=draft)}
        modules = {each.title: each for each in Module.objects.filter(version=draft)}
        kept = lessons["Lesson 4"].lineage
        Lesson.objects.filter(pk=lessons["Lesson 1"].pk).update(title="First things", is_required=False)
        _write(lessons["Lesson 2"], "Another text")
        Lesson.objects.filter(pk=lessons["Lesson 3"].pk).update(module=modules["Module 2"], position=3)
        lessons["Lesson 5"].delete()
        Lesson.objects.filter(pk=lessons["Lesson 6"].pk).update(
            requires=[str(kept)], release={"kind": "after", "unit": str(kept), "days": 2}, weight=3
        )
        Lesson.objects.create(
            version=draft, module=modules["Module 2"], parent=lessons["Lesson 4"], title="Topic", position=0
        )
        sheet = LessonResource.objects.create(
            version=draft, lesson=lessons["Lesson 4"], title="Sheet", url="https://a.example/", position=0
        )
        Translation.objects.create(
            version=draft, lineage=modules["Module 2"].lineage, language="de", title="Zweites"
        )
        Module.objects.filter(pk=modules["Module 3"].pk).update(summary="Short")
        CourseVersion.objects.filter(pk=draft.pk).update(rules={"sequential": True})

        diff = read_diff(actor=admin, before_id=old.version_id, after_id=draft.id)

    assert _facts(diff) == {
        "Module 1": [],
        "First things": [("rule_changed", "is_required"), ("renamed", "title")],
        "Lesson 2": [("body_changed", "body")],
        "Module 2": [("translation_added", "de")],
        "Lesson 4": [("resource_added", str(sheet.lineage))],
        "Topic": [("added", "title")],
        "Lesson 5": [("removed", "title")],
        "Lesson 6": [("rule_changed", "release"), ("rule_changed", "requires"), ("rule_changed", "weight")],
        "Lesson 3": [("moved", "place")],
        "Module 3": [("summary_changed", "summary")],
    }
    assert {code: count for code, count in diff.summary.items() if count} == {
        "added": 1,
        "removed": 1,
        "moved": 1,
        "renamed": 1,
        "summary_changed": 1,
        "body_changed": 1,
        "rule_changed": 2,
        "resource_added": 1,
        "translation_added": 1,
    }
    assert [(each.code, each.field, each.before, each.after) for each in diff.changes] == [
        ("rule_changed", "sequential", False, True)
    ]
    first, second = str(modules["Module 1"].lineage), str(modules["Module 2"].lineage)
    assert diff.names == {first: "Module 1", second: "Module 2", str(kept): "Lesson 4"}
    moved = next(each for module in diff.modules for each in module.children if each.title == "Lesson 3")
    assert moved.changes[0].before == {"parent": first, "position": 2}
    assert moved.changes[0].after == {"parent": second, "position": 2}


def test_a_copy_and_the_version_itself_do_not_differ(acme: Organization, admin: Actor) -> None:
    old = make_published_course(acme)
    with in_organization(acme):
        copy = copy_version(actor=admin, version_id=old.version_id)

        for other in (copy.id, old.version_id):
            diff = read_diff(actor=admin, before_id=old.version_id, after_id=other)
            assert (diff.is_empty, diff.modules, set(diff.summary.values())) == (True, (), {0})
            assert compare_versions(old.version_id, other).is_empty
        whole = read_diff(actor=admin, before_id=old.version_id, after_id=copy.id, same=True)

    assert [len(module.children) for module in whole.modules] == [3, 3]
    assert {unit.status for module in whole.modules for unit in module.children} == {"same"}


def test_the_lines_of_a_text_are_told_on_request(acme: Organization, admin: Actor) -> None:
    old = make_published_course(acme, modules=1, lessons=2)
    with in_organization(acme):
        first = copy_version(actor=admin, version_id=old.version_id)
        lesson = Lesson.objects.get(version=first, title="Lesson 1")
        _write(lesson, "One\nTwo\nThree")
        second = copy_version(actor=admin, version_id=first.id)
        _write(Lesson.objects.get(version=second, title="Lesson 1"), "One\n2\nThree")

        [module] = read_diff(actor=admin, before_id=first.id, after_id=second.id, bodies=True).modules
        alone = read_body_diff(actor=admin, before_id=first.id, after_id=second.id, lineage=lesson.lineage)
        with pytest.raises(NotFound):
            read_body_diff(actor=admin, before_id=first.id, after_id=second.id, lineage=uuid.uuid4())

    lines = ("@@ -1,3 +1,3 @@", " One", "-Two", "+2", " Three")
    assert module.children[0].body is not None
    assert (module.children[0].body.lines, alone.body.lines) == (lines, lines)
    assert (alone.before_title, alone.body.is_cut) == ("Lesson 1", False)


def test_a_long_difference_is_cut(acme: Organization, admin: Actor) -> None:
    old = make_published_course(acme, modules=1, lessons=1)
    with in_organization(acme):
        draft = copy_version(actor=admin, version_id=old.version_id)
        lesson = Lesson.objects.get(version=draft)
        _write(lesson, "\n".join(map(str, range(1_000))))

        body = read_body_diff(
            actor=admin, before_id=old.version_id, after_id=draft.id, lineage=lesson.lineage
        ).body

    assert (len(body.lines), body.is_cut) == (400, True)


def test_versions_of_two_courses_are_not_compared(acme: Organization, admin: Actor) -> None:
    one, other = make_published_course(acme), make_published_course(acme)
    with in_organization(acme), pytest.raises(VersionsOfTwoCourses):
        read_diff(actor=admin, before_id=one.version_id, after_id=other.version_id)


def test_who_may_not_read_both_compares_nothing(
    acme: Organization, globex: Organization, admin: Actor, member: Callable[..., Membership]
) -> None:
    old = make_published_course(acme)
    draft = publish_another_version(acme, old.course_id, published=False)
    foreign = make_published_course(globex)
    manager, learner = actor_as(member(acme, Role.MANAGER)), actor_as(member(acme))
    with in_organization(acme):
        for actor, other, refusal in (
            (manager, draft.version_id, NotFound),
            (learner, old.version_id, Forbidden),
            (admin, foreign.version_id, NotFound),
        ):
            with pytest.raises(refusal):
                read_diff(actor=actor, before_id=old.version_id, after_id=other)


def test_a_difference_takes_the_same_number_of_statements_at_any_size(
    acme: Organization, admin: Actor
) -> None:
    small = make_published_course(acme, modules=1, lessons=1)
    large = make_published_course(acme, modules=20, lessons=50)
    with in_organization(acme):
        counts = []
        for course in (small, large):
            draft = copy_version(actor=admin, version_id=course.version_id)
            for lesson in Lesson.objects.filter(version=draft)[:100]:
                _write(lesson, "New")
            with statements() as seen:
                diff = read_diff(actor=admin, before_id=course.version_id, after_id=draft.id, bodies=True)
            counts.append(len(seen))
            assert diff.summary["body_changed"] == Lesson.objects.filter(version=draft)[:100].count()

    assert counts[0] == counts[1] <= 7
