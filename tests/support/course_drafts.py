"""Courses and drafts made through the API."""

from collections.abc import Callable
from typing import Any

Sign = Callable[..., Any]


def make_course(caller: Any, slug: str = "first-aid", **facts: Any) -> dict[str, Any]:
    answer = caller.post("/api/v1/courses", {"slug": slug, "title": "First aid", **facts})
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def draft_of(caller: Any, course_id: str) -> str:
    return str(caller.get(f"/api/v1/courses/{course_id}/versions").json()["results"][0]["id"])


class Draft:
    """A draft under the hands of one caller, who always sends the revision last seen."""

    def __init__(self, caller: Any, version_id: str) -> None:
        self.caller, self.url, self.revision = caller, f"/api/v1/versions/{version_id}", "1"

    def call(self, method: str, path: str, body: Any = None, expect: int = 201) -> Any:
        answer = getattr(self.caller, method)(f"{self.url}{path}", body, HTTP_IF_MATCH=f'"{self.revision}"')
        assert answer.status_code == expect, answer.content
        self.revision = answer["ETag"].strip('"')
        return answer

    def module(self, title: str = "Module") -> str:
        return str(self.call("post", "/modules", {"title": title}).json()["id"])

    def lesson(self, module_id: str, **facts: Any) -> str:
        body = {"module_id": module_id, "title": "Lesson", "body": "Text", **facts}
        return str(self.call("post", "/lessons", body).json()["id"])

    def tree(self) -> Any:
        return self.caller.get(self.url).json()

    def shape(self) -> list[tuple[str, list[str]]]:
        return [(each["id"], [one["id"] for one in each["lessons"]]) for each in self.tree()["modules"]]


def new_draft(caller: Any, slug: str = "first-aid") -> Draft:
    return Draft(caller, draft_of(caller, make_course(caller, slug)["id"]))
