"""Look for leaks: call operations at one organization's host with another's ids, tokens and cookies."""

import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.client import Caller
from tests.support.operations import Operation, sample
from tests.support.world import World

_SEGMENT_BEFORE = re.compile(r"([a-z-]+)/\{([a-z_]+)\}")
# Names in bodies and paths -> kind of the world's ids.
BODY_KINDS = {
    "member_id": "members",
    "member_ids": "members",
    "manager_id": "members",
    "to_member_id": "members",
    "owner_id": "members",
    "course_id": "courses",
    "version_id": "published_versions",
    "to_version_id": "next_versions",
    "based_on_id": "published_versions",
    "source_version_id": "published_versions",
    "run_id": "runs",
    "cohort_id": "cohorts",
    "parent_id": "categories",
    "category_id": "categories",
    "document_id": "files",
    "file_id": "files",
    "module_id": "modules",
    "module_ids": "modules",
    "lesson_id": "lessons",
    "lesson_ids": "lessons",
    "id": "modules",
}


def path_ids(operation: Operation, world: World) -> dict[str, uuid.UUID]:
    """Return path parameter -> the world's id of that kind; KeyError for a kind the world does not have."""
    pairs = _SEGMENT_BEFORE.findall(operation.path)
    return {name: world.ids["lineages" if name == "lineage" else kind] for kind, name in pairs}


def call(client: Caller, operation: Operation, world: World) -> Any:
    """Call the operation with the world's ids in path and body, the body filled as the document asks."""
    ids = path_ids(operation, world)
    url = operation.url(lambda parameter: ids.get(parameter["name"], 2))
    if operation.method in {"get", "delete"}:
        return getattr(client, operation.method)(url, HTTP_IF_MATCH='"1"')
    body = {}
    if operation.body is not None:
        body = sample(
            operation.body,
            operation.document,
            lambda name: world.ids.get(BODY_KINDS.get(name, ""), uuid.UUID(int=9)),
        )
    if operation.content_type.startswith("multipart/"):
        return client.post(url, {}, format="multipart", HTTP_IF_MATCH='"1"')
    return getattr(client, operation.method)(url, body, format="json", HTTP_IF_MATCH='"1"')


def find_leaks(
    operations: Iterable[Operation],
    caller_of: Callable[[], Caller],
    victim: World,
    *,
    accept: Callable[[int], bool],
) -> list[str]:
    """Return what leaked: an answer with the victim's mark or ids, or a status that is not accepted.

    Args:
        operations: what to call.
        caller_of: makes a fresh client, since an operation may end a sign-in.
        victim: whose ids are used, and whose marks must not come back.
        accept: whether the status is right for a request that names ids of another organization.
    """
    leaks = []
    for operation in operations:
        response = call(caller_of(), operation, victim)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        text = body.decode(errors="replace")
        named = set(path_ids(operation, victim).values())
        if victim.mark.lower() in text.lower():
            leaks.append(f"{operation.id}: answers the other organization's data ({response.status_code})")
        elif response.status_code >= 500 or (named and not accept(response.status_code)):
            leaks.append(
                f"{operation.id}: {response.status_code} for another organization's id: {text[:200]}"
            )
    return leaks
