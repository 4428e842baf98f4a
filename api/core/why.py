"""The address that explains a refusal on a learner's way: a chain of links, the closed one named."""

import re
from collections.abc import Mapping
from typing import Any

_PREFIX = "/api/v1/"
_ID = "[0-9a-f-]{36}"
# Where `why` stands for what is below it; the lesson before the course it is in.
_EXPLAINED = [
    re.compile(f"(my-courses/{_ID}/lessons/{_ID})(?:/.*)?"),
    re.compile(f"((?:my-courses|enrollments|runs|courses)/{_ID})(?:/.*)?"),
]
# What is asked about by its last word; anything else is "open".
_ACTS = {"complete": "complete", "report": "report", "reports": "report", "marks": "mark", "join": "join"}


def why_address(path: str, method: str, facts: Mapping[str, Any]) -> str | None:
    """Return where the refusal of a request is explained, with the act it was about; None for nowhere.

    Args:
        path: of the refused request.
        method: its method; looking notes up is another act than writing one.
        facts: of the refusal; `needed` names the policy that somebody's role or right did not meet.
    """
    rest = path.removeprefix(_PREFIX)
    if rest == path or rest.endswith("/why"):
        return None
    for pattern in _EXPLAINED:
        found = pattern.fullmatch(rest)
        if found is None:
            continue
        last = rest.rsplit("/", 1)[-1]
        needed = str(facts.get("needed", ""))
        if needed:
            act = needed
        elif last == "marks" and method == "GET":
            act = "marks"
        else:
            act = _ACTS.get(last, "open") if method != "GET" else "open"
        place = found[1]
        if place.startswith("courses/") and needed:
            return None  # rights on courses are told by the course's own `can`
        return f"{_PREFIX}{place}/why" + ("" if act == "open" else f"?act={act}")
    return None
