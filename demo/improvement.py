"""A course improves while people take it: a new version beside the running one, what differs, what moving the
run would do to everybody in it, the move, and the way back.
"""

import time
from typing import Any, NoReturn

from demo.api import Api, UnexpectedAnswer
from demo.console import headline, note, step, table

WORD = "What to do when the phone rings"


class Author:
    """Whoever edits a draft, always from the state last read."""

    def __init__(self, owner: Api, version_id: str) -> None:
        self.owner, self.path = owner, f"/api/v1/versions/{version_id}"

    def tree(self) -> Any:
        """Return the version with its modules and lessons."""
        return self.owner.get(self.path)

    def edit(self, method: str, what: str, body: Any = None, *, expect: int) -> Any:
        """Make one edit of whatever the draft is now."""
        headers = {"If-Match": f'"{self.tree()["revision"]}"'}
        return self.owner.call(method, f"{self.path}{what}", json=body, expect=expect, headers=headers)


def improve(owner: Api, learner: Api, finisher: Api) -> None:
    """Tell the chapter.

    Args:
        owner: of the organization.
        learner: somebody in the middle of the course.
        finisher: somebody who has completed it, best in the same run.
    """
    headline("The course improves while people take it")
    [mine] = learner.get("/api/v1/my-courses")["results"]
    address = f"/api/v1/my-courses/{mine['enrollment_id']}"
    course = owner.get(f"/api/v1/courses/{mine['course']['id']}")
    old = course["current_version"]["id"]
    with step("a draft of the running version: a lesson renamed, one moved, one dropped, one new"):
        draft = owner.post(f"/api/v1/courses/{course['id']}/versions", {"note": "After the first cohort"})
        dropped = _edit(Author(owner, draft["id"]), done=_done(learner.get(address)))
    before = learner.get(address)
    with step("… published: whoever is in the middle of the course sees what they saw before"):
        Author(owner, draft["id"]).edit("POST", "/publish", expect=200)
        _ensure(learner.get(address) == before, "the running learner's course changed")
    with step("what differs, lesson by lesson"):
        diff = owner.get(f"/api/v1/versions/{old}/diff/{draft['id']}")
        told = {name: number for name, number in diff["summary"].items() if number}
    note(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in told.items()))
    _ensure(told.get("added") and told.get("removed") and told.get("renamed"), f"the comparison is {told}")
    _move(owner, mine["run"]["id"], draft["id"], learner, finisher, address)
    with step(f"“{WORD}” opens a week after the start: until then 403, and why"):
        _explain(learner, address)
    with step("the move is undone: everybody is where they were"):
        [move] = owner.get(f"/api/v1/runs/{mine['run']['id']}/moves")["results"]
        owner.post(f"/api/v1/runs/{mine['run']['id']}/moves/{move['id']}/undo", expect=200)
        _ensure(_plain(learner.get(address)) == _plain(before), "undoing did not put everything back")
    _ensure(dropped in _done(before), "the dropped lesson was to be one that somebody has completed")


def run_of(learner: Api) -> str:
    """Return the id of the run that the learner's one course is taken in."""
    [mine] = learner.get("/api/v1/my-courses")["results"]
    return str(mine["run"]["id"])


def _edit(author: Author, *, done: set[str]) -> str:
    """Edit the draft; return the lineage of the lesson that was dropped, one that the learner has done."""
    modules = author.tree()["modules"]
    first, last = modules[0]["lessons"], modules[-1]["lessons"]
    gone = next(lesson for lesson in first if lesson["lineage"] in done)
    rest = [lesson for lesson in first if lesson["id"] != gone["id"]]
    author.edit("PATCH", f"/lessons/{rest[0]['id']}", {"title": f"{rest[0]['title']}, in short"}, expect=200)
    author.edit("DELETE", f"/lessons/{gone['id']}", expect=204)
    author.edit("PATCH", f"/lessons/{last[-1]['id']}", {"module_id": modules[0]["id"]}, expect=200)
    new = {
        "module_id": modules[-1]["id"],
        "title": WORD,
        "body": "Hang up, and call back by the number you know.",
        "minutes": 4,
        "release": {"kind": "days", "days": 7, "at": "09:00"},
    }
    author.edit("POST", "/lessons", new, expect=201)
    return str(gone["lineage"])


def _move(owner: Api, run_id: str, version_id: str, learner: Api, finisher: Api, address: str) -> None:
    moves = f"/api/v1/runs/{run_id}/moves"
    people = owner.get(f"/api/v1/runs/{run_id}")["enrolled_count"]
    began = time.monotonic()
    with step(f"what moving the run would mean for its {people:,} people; nothing is written"):
        wanted = {"to_version_id": version_id}
        look = owner.post(f"{moves}/dry-run", {**wanted, "only": "loses_work"}, expect=200)
    counts = look["counts"]
    note(
        f"{time.monotonic() - began:.1f} s: {counts['loses_work']} lose a completed lesson, "
        f"{counts['finished_with_new_work']} have finished and stay so, {counts['new_work']} get new work"
    )
    titles = {lesson["lineage"]: str(lesson["title"]) for lesson in look["lessons"]}
    lines = [("who", "percent", "lost")]
    for row in look["learners"][:3]:
        lost = ", ".join(titles[lineage] for lineage in row["lost"])
        lines.append((row["member_name"], f"{row['before']['percent']} → {row['after']['percent']}", lost))
    table([["   ", *line] for line in lines])
    with step("the run moves as it was shown, in one transaction"):
        owner.post(moves, {**wanted, "fingerprint": look["fingerprint"]})
        after = learner.get(address)
        _ensure(after["version"]["id"] == version_id, "the run did not move")
        states = [each["state"] for each in finisher.get("/api/v1/my-courses")["results"]]
        _ensure(states == ["completed"], f"whoever had finished is {states}")


def _explain(learner: Api, address: str) -> None:
    lessons = [one for module in learner.get(address)["modules"] for one in module["lessons"]]
    closed = next(lesson for lesson in lessons if lesson["title"] == WORD)
    refused = learner.get(f"{address}/lessons/{closed['id']}", expect=403)
    why = learner.get(f"{address}/lessons/{closed['id']}/why")
    _ensure(why["code"] == refused["code"], f"{why['code']} is not {refused['code']}")
    lines = [
        [link["name"], "open" if link["is_open"] else f"closed: {link['title']}"] for link in why["links"]
    ]
    table([["   ", *line] for line in lines])
    note(f"it opens by itself at {why['closing']['changes_local']} ({why['timezone']})")


def _done(tree: Any) -> set[str]:
    return {
        lesson["lineage"]
        for module in tree["modules"]
        for lesson in module["lessons"]
        if lesson["is_completed"]
    }


def _plain(tree: Any) -> Any:
    """The tree without what looking at it changes."""
    return {**tree, "progress": {**tree["progress"], "last_accessed_at": None}}


def _ensure(condition: object, message: str) -> None:
    if not condition:
        _fail(message)


def _fail(message: str) -> NoReturn:
    raise UnexpectedAnswer(message)
