"""Version 1 keeps working: what its first release offered is still there, and asks for nothing more.

`v1_promise.json` holds, for each operation of the first release, its path and method, the members a request
must have and the members an answer has. Operations and members may be added; the file only ever grows.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.operations import document_of, operations_of

PROMISE = Path(__file__).with_name("v1_promise.json")


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def offered(host: str) -> dict[str, dict[str, Any]]:
    """Return what the host's document offers now, in the form of the promise."""
    document = document_of(host)
    found = {}
    for operation in operations_of(host):
        described = document["paths"][operation.path][operation.method]
        members: set[str] = set()
        for status, response in described["responses"].items():
            content = response.get("content", {}).get("application/json", {})
            if status.startswith("2") and content:
                members |= set(_resolved(content["schema"], document).get("properties", {}))
        body = _resolved(operation.body, document) if operation.body else {}
        found[operation.id] = {
            "path": operation.path,
            "method": operation.method,
            "must_send": sorted(body.get("required", [])),
            "answers": sorted(members),
        }
    return found


@pytest.mark.feature("API-06")
@pytest.mark.parametrize("host", ["tenant", "platform"])
def test_everything_the_first_release_offered_is_still_there(host: str) -> None:
    now, broken = offered(host), []
    for name, promised in json.loads(PROMISE.read_text(encoding="utf-8"))[host].items():
        here = now.get(name, {"path": "", "method": "", "must_send": [], "answers": []})
        if (here["path"], here["method"]) != (promised["path"], promised["method"]):
            broken.append(f"{name} is gone from {promised['method']} {promised['path']}")
        if more := set(here["must_send"]) - set(promised["must_send"]):
            broken.append(f"{name} asks for {sorted(more)} besides")
        if lost := set(promised["answers"]) - set(here["answers"]):
            broken.append(f"{name} answers no {sorted(lost)} any more")
    assert broken == []


@pytest.mark.feature("API-06")
@pytest.mark.parametrize("host", ["tenant", "platform"])
def test_every_operation_carries_its_version_in_the_path(host: str) -> None:
    assert [each.path for each in operations_of(host) if not each.path.startswith("/api/v1/")] == []
