"""The whole corpus of attacks through the API, into every field that others read: it comes back harmless or
is not taken.

Judged on what a page would make of the answer if it forgot to escape it. Fields of other slices get tests of
their own.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.core.actors import Role
from tests.api.v1.test_lesson_content import learn
from tests.support.course_drafts import new_draft
from tests.support.markup import XSS_VECTORS, unsafe_parts

Sign = Callable[..., Any]
# No answer can hold NUL, and no request either: the parser of bodies refuses it.
TAKEN = [vector for vector in XSS_VECTORS if "\x00" not in vector]


def unsafe_fields(found: Any, names: set[str], path: str = "") -> list[str]:
    """Return what is unsafe in the fields of these names, wherever in the answer they are."""
    if isinstance(found, list):
        return [
            each for place, item in enumerate(found) for each in unsafe_fields(item, names, f"{path}.{place}")
        ]
    if not isinstance(found, dict):
        return []
    wrong = []
    for name, value in found.items():
        if name in names and isinstance(value, str):
            wrong += [f"{path}.{name}: {part}" for part in unsafe_parts(value)]
        else:
            wrong += unsafe_fields(value, names, f"{path}.{name}")
    return wrong


SHOWN = {"title", "summary", "body_html", "embed_url", "media_url", "url", "name"}


@pytest.mark.feature("SEC-02")
@pytest.mark.feature("CNT-05")
def test_lessons_come_back_harmless(acme: Any, sign_in: Sign, member: Callable[..., Any]) -> None:
    draft, learner = new_draft(sign_in(acme, Role.ADMIN)), member(acme, Role.LEARNER)
    module = draft.module("Lessons")
    acts = [
        {
            "op": "create",
            "module_id": module,
            "facts": {"title": f"T {vector}"[:200], "body": f"<p>t</p>{vector}", "body_format": body_format},
        }
        for vector in TAKEN
        for body_format in ("html", "markdown")
    ]
    draft.call("post", "/bulk", {"acts": acts}, expect=200)

    tree = draft.tree()
    mine, _ = learn(acme, draft, learner)
    reader = sign_in(acme, learner)
    lessons = tree["modules"][0]["lessons"]
    read = [
        reader.get(f"{mine}/lessons/{each['id']}").json() for each in lessons[:: max(1, len(lessons) // 40)]
    ]

    assert len(lessons) == 2 * len(TAKEN) >= 120
    assert unsafe_fields(tree, SHOWN) == []
    assert unsafe_fields(reader.get(mine).json(), SHOWN) == []
    assert len(read) >= 40
    assert unsafe_fields(read, SHOWN) == []


@pytest.mark.feature("SEC-02")
def test_modules_translations_and_resources_come_back_harmless(acme: Any, sign_in: Sign) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    module = draft.module()
    lesson = draft.lesson(module)
    kept = 0
    for vector in TAKEN[::4]:
        words = {"title": f"T {vector}"[:200], "summary": vector}
        draft.call("patch", f"/modules/{module}", words, expect=200)
        draft.call("put", f"/modules/{module}/translations", {"language": "de", **words}, expect=200)
        translated = {"language": "de", **words, "body": vector, "body_format": "html"}
        draft.call("put", f"/lessons/{lesson}/translations", translated, expect=200)
        resource = {"title": words["title"], "url": "https://docs.example/'><script>alert(1)</script>"}
        draft.call("post", f"/lessons/{lesson}/resources", resource)
        kept += 1

        assert unsafe_fields(draft.tree(), SHOWN) == []

    urls = [each["url"] for each in draft.tree()["modules"][0]["lessons"][0]["resources"]]
    assert kept >= 15
    assert set(urls) == {"https://docs.example/%27%3E%3Cscript%3Ealert(1)%3C/script%3E"}


@pytest.mark.feature("SEC-02")
@pytest.mark.feature("CNT-08")
@pytest.mark.parametrize("field", ["embed_url", "media_url", "url"])
def test_no_address_runs_anything(acme: Any, sign_in: Sign, field: str) -> None:
    draft = new_draft(sign_in(acme, Role.ADMIN))
    lesson = draft.lesson(draft.module(), kind="embed" if field == "embed_url" else "audio")
    addresses = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "//player.vimeo.com/1",
        "http://player.vimeo.com/1",
        "https:player.vimeo.com/1",
        "https:\\\\player.vimeo.com\\1",
        "https://player.vimeo.com@evil.example/",
        *[vector[:500] for vector in TAKEN],
    ]

    for address in addresses:
        if field == "url":
            body = {"title": "R", "url": address}
            answer = draft.caller.post(f"{draft.url}/lessons/{lesson}/resources", body, HTTP_IF_MATCH="*")
        else:
            answer = draft.caller.patch(f"{draft.url}/lessons/{lesson}", {field: address}, HTTP_IF_MATCH="*")
        assert answer.status_code == 400, address
        assert answer.json()["code"] in {"lesson_content_refused", "invalid", "validation_failed"}, address

    found = draft.tree()["modules"][0]["lessons"][0]
    assert (found["embed_url"], found["media_url"], found["resources"]) == ("", "", [])
