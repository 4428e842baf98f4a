"""What changed between two versions, over the API."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.course_drafts import Draft, draft_of, new_draft

Sign = Callable[..., Any]


@pytest.mark.feature("P11")
def test_a_screen_gets_counts_then_modules_with_their_changes(acme: Organization, sign_in: Sign) -> None:
    caller = sign_in(acme, Role.INSTRUCTOR)
    first = new_draft(caller)
    one, two = first.module("One"), first.module("Two")
    first.lesson(one, title="Water", body="Boil it")
    first.lesson(one, title="Leaves")
    version = first.tree()
    second_id = caller.post(f"{first.url}/draft", {"note": "Spring"}).json()["id"]
    second = Draft(caller, second_id)
    water = second.tree()["modules"][0]["lessons"][0]
    second.call("patch", f"/lessons/{water['id']}", {"body": "Boil it\ntwice", "title": "Hot"}, expect=200)
    second.lesson(second.tree()["modules"][1]["id"], title="Cup")

    answer = caller.get(f"{first.url}/diff/{second_id}?bodies=true")

    assert answer.status_code == 200, answer.content
    diff = answer.json()
    assert (diff["before"]["id"], diff["after"]["note"]) == (version["id"], "Spring")
    assert {code: count for code, count in diff["summary"].items() if count} == {
        "added": 1,
        "renamed": 1,
        "body_changed": 1,
    }
    [lesson], [cup] = (module["lessons"] for module in diff["modules"])
    assert [module["title"] for module in diff["modules"]] == ["One", "Two"]
    assert [(each["code"], each["before"], each["after"]) for each in lesson["changes"][1:]] == [
        ("renamed", "Water", "Hot")
    ]
    assert lesson["body"] == {"lines": ["@@ -1 +1,2 @@", " Boil it", "+twice"], "is_cut": False}
    assert (cup["status"], cup["before_id"], cup["changes"][0]["after"]) == ("added", None, "Cup")
    alone = caller.get(f"{first.url}/diff/{second_id}/lessons/{water['lineage']}").json()
    assert (alone["before_title"], alone["after_title"]) == ("Water", "Hot")
    assert alone["body"] == lesson["body"]
    assert two


def test_a_version_and_itself_do_not_differ(acme: Organization, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    draft.lesson(draft.module())

    diff = draft.caller.get(f"{draft.url}/diff/{draft.url.rsplit('/', 1)[1]}").json()

    assert (diff["is_empty"], diff["modules"], diff["changes"]) == (True, [], [])


def test_versions_of_two_courses_are_refused_and_invisible_ones_are_not_there(
    acme: Organization, globex: Organization, sign_in: Sign
) -> None:
    caller = sign_in(acme, Role.ADMIN)
    one, other = make_published_course(acme), make_published_course(acme)
    foreign = make_published_course(globex)
    url = f"/api/v1/versions/{one.version_id}/diff"

    refused = caller.get(f"{url}/{other.version_id}")
    unseen = caller.get(f"{url}/{foreign.version_id}")
    learner = sign_in(acme).get(f"{url}/{one.version_id}")

    assert (refused.status_code, refused.json()["code"]) == (400, "versions_of_two_courses")
    assert (unseen.status_code, learner.status_code) == (404, 403)
    assert draft_of(caller, str(one.course_id)) == str(one.version_id)
