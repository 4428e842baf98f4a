"""Many acts on lessons in one step, and copies inside a draft."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.core.actors import Role
from tenant_apps.courses.models import Lesson, LessonText
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.course_drafts import Draft, new_draft
from tests.support.measures import statements

Sign = Callable[..., Any]


def titles(draft: Draft) -> list[tuple[str, list[Any]]]:
    """Return (module, [lesson or (lesson, topics)]) by title, and prove that positions have no gaps."""
    found = []
    for module in draft.tree()["modules"]:
        assert [each["position"] for each in module["lessons"]] == list(range(len(module["lessons"])))
        lessons: list[Any] = []
        for lesson in module["lessons"]:
            topics = [topic["title"] for topic in lesson["topics"]]
            assert [each["position"] for each in lesson["topics"]] == list(range(len(topics)))
            lessons.append((lesson["title"], topics) if topics else lesson["title"])
        found.append((module["title"], lessons))
    return found


def bulk(draft: Draft, *acts: dict[str, Any], expect: int = 200) -> Any:
    return draft.call("post", "/bulk", {"acts": list(acts)}, expect=expect).json()


def a_draft(caller: Any) -> tuple[Draft, dict[str, str]]:
    draft = new_draft(caller)
    ids = {"M": draft.module("M"), "N": draft.module("N")}
    for title in "ABC":
        ids[title] = draft.lesson(ids["M"], title=title, body=title)
    topic = draft.call("post", f"/lessons/{ids['A']}/topics", {"title": "a1", "body": "a1"})
    ids["a1"] = str(topic.json()["id"])
    return draft, ids


@pytest.mark.feature("CNT-19")
@pytest.mark.feature("CNT-02")
def test_many_acts_are_one_step_of_the_draft(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))
    revision = int(draft.revision)

    answer = bulk(
        draft,
        {"op": "create", "module_id": ids["N"], "facts": {"title": "D", "body": "D"}},
        {"op": "create", "module_id": ids["N"], "parent_id": ids["B"], "facts": {"title": "b1"}},
        {"op": "update", "lesson_id": ids["B"], "facts": {"title": "B2", "body": "new", "minutes": 7}},
        {"op": "move", "lesson_id": ids["A"], "module_id": ids["N"], "position": 0},
        {"op": "duplicate", "lesson_id": ids["A"]},
        {"op": "publish", "lesson_id": ids["B"], "is_published": False},
        {"op": "delete", "lesson_id": ids["C"]},
    )

    assert answer["revision"] == revision + 1 == draft.tree()["revision"]
    assert titles(draft) == [
        ("M", [("B2", ["b1"])]),
        ("N", [("A", ["a1"]), ("A", ["a1"]), "D"]),
    ]
    assert answer["lesson_ids"][2:4] == [ids["B"], ids["A"]]
    tree = draft.tree()
    changed = tree["modules"][0]["lessons"][0]
    assert (changed["body"], changed["minutes"], changed["is_published"]) == ("new", 7, False)
    assert changed["revision"] == 2
    one, two = tree["modules"][1]["lessons"][:2]
    assert one["lineage"] != two["lineage"]
    assert one["topics"][0]["lineage"] != two["topics"][0]["lineage"]
    assert two["topics"][0]["body"] == "a1"
    with in_organization(acme):
        assert Lesson.objects.filter(parent=None).count() == 4
        # A and its twin share theirs, as do their topics; new, D; b1 has none.
        assert LessonText.objects.count() == 4


def test_a_refused_act_names_its_place_and_nothing_is_done(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))
    before = draft.tree()

    acts = [
        {"op": "update", "lesson_id": ids["A"], "facts": {"title": "Changed"}},
        {"op": "delete", "lesson_id": str(uuid.uuid4())},
        {"op": "create", "module_id": str(uuid.uuid4()), "facts": {"title": "X"}},
        {"op": "create", "module_id": ids["M"], "facts": {"title": "<b></b>"}},
        {"op": "move", "lesson_id": ids["A"], "parent_id": ids["B"]},
        {"op": "update", "lesson_id": ids["B"], "facts": {"embed_url": "https://evil.example/"}},
        {"op": "update", "lesson_id": ids["C"], "facts": {"document_id": str(uuid.uuid4())}},
    ]
    answer = draft.caller.post(f"{draft.url}/bulk", {"acts": acts}, HTTP_IF_MATCH="*")

    assert (answer.status_code, answer.json()["code"]) == (400, "bulk_refused")
    assert [(row["index"], row["code"]) for row in answer.json()["facts"]["rows"]] == [
        (1, "not_found"),
        (2, "unknown_module"),
        (3, "text_empty"),
        (4, "topic_of_topic"),
        (5, "lesson_content_refused"),
        (6, "unknown_document"),
    ]
    assert draft.tree() == before
    stale = draft.caller.post(f"{draft.url}/bulk", {"acts": acts[:1]}, HTTP_IF_MATCH='"1"')
    assert stale.status_code == 412
    shapeless = draft.caller.post(f"{draft.url}/bulk", {"acts": [{"op": "move"}]}, HTTP_IF_MATCH="*")
    assert shapeless.status_code == 400


def test_rules_written_in_bulk_are_held_against_the_whole_draft(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))
    of = {each["title"]: each["lineage"] for each in draft.tree()["modules"][0]["lessons"]}
    acts = [
        {"op": "update", "lesson_id": ids["A"], "facts": {"requires": [of["B"]]}},
        {"op": "update", "lesson_id": ids["B"], "facts": {"requires": [of["A"]]}},
    ]

    answer = draft.caller.post(f"{draft.url}/bulk", {"acts": acts}, HTTP_IF_MATCH="*")
    bulk(draft, acts[0])

    (row,) = answer.json()["facts"]["rows"]
    assert (row["index"], row["code"], row["facts"]["reason"]) == (0, "rule_refused", "rule_cycle")
    assert draft.tree()["modules"][0]["lessons"][0]["requires"] == [of["B"]]


def test_statements_do_not_grow_with_the_acts(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))

    def acts(number: int) -> list[dict[str, Any]]:
        facts = {"title": f"L{number}", "body": f"Text {number}"}
        return [
            {"op": "create", "module_id": ids["N"], "facts": facts},
            {"op": "update", "lesson_id": ids["B"], "facts": facts},
            {"op": "update", "lesson_id": ids["C"], "facts": facts},
        ]

    bulk(draft, *acts(0))
    with statements() as few:
        bulk(draft, *acts(1))
    with statements() as many:
        bulk(draft, *[act for number in range(2, 42) for act in acts(number)])

    assert len(few) == len(many)
    assert titles(draft)[1] == ("N", [f"L{number}" for number in range(42)])
    with in_organization(acme):
        # A, a1, the 42 made, and one for B and C each: texts that were replaced are gone.
        assert LessonText.objects.count() == 46


def test_what_is_duplicated_before_it_is_deleted_is_still_whole(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))
    resource = {"title": "R", "url": "https://docs.example/"}
    draft.call("post", f"/lessons/{ids['A']}/resources", resource)

    bulk(
        draft,
        {"op": "duplicate", "lesson_id": ids["A"]},
        {"op": "duplicate", "lesson_id": ids["A"]},
        {"op": "delete", "lesson_id": ids["A"]},
    )

    assert titles(draft)[0] == ("M", [("A", ["a1"]), ("A", ["a1"]), "B", "C"])
    copies = draft.tree()["modules"][0]["lessons"][:2]
    assert [[each["title"] for each in one["resources"]] for one in copies] == [["R"], ["R"]]


@pytest.mark.feature("CNT-01")
def test_modules_and_lessons_are_duplicated_as_new_units(acme: Organization, sign_in: Sign) -> None:
    draft, ids = a_draft(sign_in(acme, Role.ADMIN))
    of = {each["title"]: each["lineage"] for each in draft.tree()["modules"][0]["lessons"]}
    draft.call("patch", f"/lessons/{ids['B']}", {"requires": [of["A"]]}, expect=200)

    draft.call("post", f"/modules/{ids['M']}/duplicate")
    draft.call("post", f"/lessons/{ids['A']}/duplicate")

    assert titles(draft) == [
        ("M", [("A", ["a1"]), ("A", ["a1"]), "B", "C"]),
        ("M", [("A", ["a1"]), "B", "C"]),
        ("N", []),
    ]
    first, second, _ = draft.tree()["modules"]
    # The copy of B waits for the copy of A, the original still for the original.
    assert first["lessons"][2]["requires"] == [of["A"]]
    assert second["lessons"][1]["requires"] == [second["lessons"][0]["lineage"]]
    every = [each["lineage"] for module in (first, second) for each in module["lessons"]]
    assert len(set(every)) == len(every) == 7
    with in_organization(acme):
        assert LessonText.objects.count() == 4
