"""What learners have does not move while authors work on what comes next."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse
from tests.factories.runs import make_enrollment, make_run
from tests.support.course_drafts import Draft, new_draft

Sign = Callable[..., Any]


@pytest.mark.feature("VER-01")
@pytest.mark.feature("VER-03")
@pytest.mark.feature("VER-04")
@pytest.mark.feature("P11")
def test_a_version_and_its_learners_see_the_same_bytes_while_a_newer_one_is_made_and_published(
    acme: Organization, sign_in: Sign, member: Callable[..., Membership]
) -> None:
    author, learner = sign_in(acme, Role.ADMIN), member(acme)
    old = new_draft(author)
    one, two = old.module("One"), old.module("Two")
    lessons = [old.lesson(one, title=f"Lesson {each}", body=f"Text {each}") for each in range(3)]
    old.lesson(two, title="Last", body="The end")
    old.call("post", "/publish", expect=200)
    version_id = old.url.rsplit("/", 1)[1]
    enrollment = _enrol(acme, old, lessons, learner)
    reader = sign_in(acme, learner)
    instant = clock.now()
    pages = [f"/api/v1/my-courses/{enrollment}"]
    pages += [f"{pages[0]}/lessons/{lesson}" for lesson in lessons]

    def seen() -> dict[str, bytes]:
        # The tree tells when the learner was last there, so the looks are all at one instant.
        with clock.frozen_at(instant):
            return {page: _stable(reader.get(page)) for page in reversed(pages)}

    seen()  # a first look is told apart from later ones
    before = seen()
    tree, digest = author.get(old.url).content, _digest(acme, version_id)
    assert json.loads(tree)["content_hash"] == digest

    new = Draft(author, author.post(f"{old.url}/draft", {}).json()["id"])
    for step in (lambda: _edit(new), lambda: new.call("post", "/publish", expect=200)):
        step()
        assert author.get(old.url).content == tree
        assert _digest(acme, version_id) == digest
        assert seen() == before

    newer = new.tree()
    assert (newer["state"], newer["content_hash"] != digest) == ("published", True)
    assert author.get(f"{old.url}/diff/{newer['id']}").json()["summary"]["body_changed"] == 1


@pytest.mark.feature("VER-02")
def test_the_whole_tree_is_read_in_one_call(acme: Organization, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.INSTRUCTOR))
    one = draft.module("One")
    first, second = draft.lesson(one, title="First"), draft.lesson(one, title="Second")

    tree = draft.tree()

    assert [(each["id"], [one["id"] for one in each["lessons"]]) for each in tree["modules"]] == [
        (one, [first, second])
    ]


def _enrol(acme: Organization, old: Draft, lessons: list[str], learner: Membership) -> Any:
    tree = old.tree()
    course = PublishedCourse(tree["course_id"], tree["id"], [], lessons)  # type: ignore[arg-type]
    return make_enrollment(acme, make_run(acme, course), learner.id)


def _digest(acme: Organization, version_id: Any) -> str:
    with in_organization(acme):
        return digest_of(get_outline(version_id))


def _stable(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    # Looking at a lesson counts as a look, which is the learner's doing and no author's.
    return re.sub(rb'"(view_count)":\d+', rb'"\1":0', bytes(answer.content))


def _edit(draft: Draft) -> None:
    modules = draft.tree()["modules"]
    [first, second, third] = modules[0]["lessons"]
    other = modules[1]["id"]
    draft.call("patch", f"/lessons/{first['id']}", {"body": "Rewritten", "title": "Newly named"}, expect=200)
    draft.call("patch", f"/lessons/{second['id']}", {"module_id": other, "is_required": False}, expect=200)
    draft.call("delete", f"/lessons/{third['id']}", expect=204)
    draft.lesson(other, title="Quite new")
    draft.call("patch", f"/modules/{other}", {"title": "Second", "summary": "More"}, expect=200)
