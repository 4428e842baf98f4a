"""Rules of a version: what is refused, what keeps it from being published, what a learner would see."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.course_drafts import Draft, new_draft

Sign = Callable[..., Any]


def lineages(draft: Draft) -> dict[str, str]:
    """Return every unit's lineage by title."""
    found = {}
    for module in draft.tree()["modules"]:
        found[module["title"]] = module["lineage"]
        for lesson in module["lessons"]:
            for each in (lesson, *lesson["topics"]):
                found[each["title"]] = each["lineage"]
    return found


def two_modules(caller: Any) -> tuple[Draft, dict[str, str]]:
    """Return a draft with modules M and N, lessons A and B in M, C in N; ids by title."""
    draft = new_draft(caller)
    ids = {"M": draft.module("M"), "N": draft.module("N")}
    for title, module in (("A", "M"), ("B", "M"), ("C", "N")):
        ids[title] = draft.lesson(ids[module], title=title)
    return draft, ids


@pytest.mark.feature("CNT-14")
@pytest.mark.feature("CNT-15")
@pytest.mark.parametrize(
    ("rule", "field", "reason"),
    [
        ({"kind": "days"}, "release.days", "rule_number"),
        ({"kind": "days", "days": 1, "at": "25:00"}, "release.at", "rule_time"),
        ({"kind": "days", "days": 1, "zone": "run"}, "release.zone", "rule_key_unknown"),
        ({"kind": "date", "local": "2026-02-30T09:00"}, "release.local", "rule_time"),
        ({"kind": "date", "local": "0001-01-01T00:00"}, "release.local", "rule_time"),
        ({"kind": "after"}, "release.unit", "rule_unit"),
        ({"kind": "after", "unit": str(uuid.UUID(int=5))}, "release", "rule_unit_missing"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_field(
    acme: Organization, sign_in: Sign, rule: dict[str, Any], field: str, reason: str
) -> None:
    draft, ids = two_modules(sign_in(acme, Role.ADMIN))
    before = draft.tree()

    for path in (f"/lessons/{ids['A']}", f"/modules/{ids['M']}"):
        answer = draft.caller.patch(f"{draft.url}{path}", {"release": rule}, HTTP_IF_MATCH="*")
        assert (answer.status_code, answer.json()["code"]) == (400, "rule_refused"), answer.content
        assert answer.json()["facts"]["reason"] == reason
        assert [each["field"] for each in answer.json()["errors"]] == [field]

    assert draft.tree() == before


@pytest.mark.feature("CNT-12")
def test_rules_that_wait_for_each_other_are_refused(acme: Organization, sign_in: Sign) -> None:
    draft, ids = two_modules(sign_in(acme, Role.ADMIN))
    of = lineages(draft)
    draft.call("patch", f"/lessons/{ids['C']}", {"requires": [of["M"]]}, expect=200)
    after = {"kind": "after", "unit": of["C"], "days": 2}

    circles: list[tuple[str, dict[str, Any]]] = [
        (f"/lessons/{ids['A']}", {"requires": [of["A"]]}),
        (f"/lessons/{ids['A']}", {"requires": [of["M"]]}),
        (f"/lessons/{ids['A']}", {"requires": [of["C"]]}),
        (f"/modules/{ids['M']}", {"release": after}),
        (f"/modules/{ids['M']}", {"requires": [of["B"]]}),
    ]
    for path, facts in circles:
        answer = draft.caller.patch(f"{draft.url}{path}", facts, HTTP_IF_MATCH="*")
        assert (answer.status_code, answer.json()["code"]) == (400, "rule_refused"), (path, facts)
        assert answer.json()["facts"]["reason"] == "rule_cycle"

    # Not required, it is not part of completing the module, so it may wait for that.
    optional = {"requires": [of["M"]], "is_required": False}
    draft.call("patch", f"/lessons/{ids['A']}", optional, expect=200)
    back = draft.caller.put(f"{draft.url}/rules", {"sequential": True}, HTTP_IF_MATCH="*")
    assert back.status_code == 200, back.content


def test_sequence_and_prerequisites_must_agree(acme: Organization, sign_in: Sign) -> None:
    draft, ids = two_modules(sign_in(acme, Role.ADMIN))
    draft.call("patch", f"/lessons/{ids['A']}", {"requires": [lineages(draft)["C"]]}, expect=200)

    refused = draft.caller.put(f"{draft.url}/rules", {"sequential": True}, HTTP_IF_MATCH="*")
    percent = {"completion": {"kind": "percent", "percent": 80}}
    draft.call("put", "/rules", percent, expect=200)

    assert (refused.status_code, refused.json()["facts"]["reason"]) == (400, "rule_cycle")
    assert draft.tree()["rules"] == percent
    bad = draft.caller.put(f"{draft.url}/rules", {"completion": {"kind": "percent"}}, HTTP_IF_MATCH="*")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "rules.completion.percent")


@pytest.mark.feature("CNT-12")
def test_what_deleting_and_moving_leave_of_rules_is_found_when_publishing(
    acme: Organization, sign_in: Sign
) -> None:
    draft, ids = two_modules(sign_in(acme, Role.ADMIN))
    of = lineages(draft)
    draft.call("patch", f"/lessons/{ids['C']}", {"requires": [of["A"]]}, expect=200)
    draft.call("delete", f"/lessons/{ids['A']}", expect=204)

    missing = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")
    draft.call("patch", f"/lessons/{ids['C']}", {"requires": [of["M"]]}, expect=200)
    draft.call("patch", f"/lessons/{ids['C']}", {"module_id": ids["M"]}, expect=200)
    circle = draft.caller.post(f"{draft.url}/publish", HTTP_IF_MATCH="*")

    problem = {"lesson_id": ids["C"], "title": "C", "field": "requires"}
    assert missing.json()["facts"]["problems"] == [{**problem, "code": "rule_unit_missing"}]
    assert circle.json()["facts"]["problems"] == [{**problem, "code": "rule_cycle"}]


@pytest.mark.feature("CNT-14")
@pytest.mark.feature("CNT-15")
def test_authors_see_what_a_learner_would_see_on_a_day(acme: Organization, sign_in: Sign) -> None:
    draft, ids = two_modules(sign_in(acme, Role.ADMIN))
    of = lineages(draft)
    draft.call("patch", f"/lessons/{ids['B']}", {"requires": [of["A"]]}, expect=200)
    later = {"kind": "days", "days": 3}
    draft.call("patch", f"/modules/{ids['N']}", {"release": later}, expect=200)

    def seen(query: str = "") -> dict[str, str]:
        answer = draft.caller.get(f"{draft.url}/preview{query}")
        assert answer.status_code == 200, answer.content
        lessons = [one for module in answer.json()["modules"] for one in module["lessons"]]
        assert all((one["why"] or {"code": "open"})["code"] == one["access"] for one in lessons)
        return {one["title"]: one["access"] for one in lessons}

    assert seen() == {"A": "open", "B": "lesson_locked", "C": "lesson_not_released"}
    assert seen("?day=2") == {"A": "open", "B": "lesson_locked", "C": "lesson_not_released"}
    assert seen("?day=3") == {"A": "open", "B": "lesson_locked", "C": "open"}
    assert seen(f"?done={of['A']}") == {"A": "open", "B": "open", "C": "lesson_not_released"}
    assert draft.caller.get(f"{draft.url}/preview?timezone=Moon/Base").status_code == 400
    assert sign_in(acme, Role.LEARNER).get(f"{draft.url}/preview").status_code == 403
    assert sign_in(acme, Role.INSTRUCTOR).get(f"{draft.url}/preview").status_code == 404
