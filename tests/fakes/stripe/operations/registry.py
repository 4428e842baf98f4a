"""The register of operations by verb and path, and what they share."""

from collections.abc import Callable
from typing import Any

from tests.fakes.stripe.shapes import listed
from tests.fakes.stripe.state import Account, Refusal

Handler = Callable[[Account, dict[str, str], dict[str, Any]], dict[str, Any]]
HANDLERS: dict[tuple[str, str], Handler] = {}


def operation(verb: str, template: str) -> Callable[[Handler], Handler]:
    """Answer the SDK's route with this template, spelled as the SDK spells it."""

    def register(handler: Handler) -> Handler:
        HANDLERS[verb, template] = handler
        return handler

    return register


def page(rows: list[dict[str, Any]], url: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return a page of rows, newest first, as `limit` and `starting_after` ask."""
    after = wanted.get("starting_after")
    if after:
        places = [place for place, row in enumerate(rows) if row["id"] == after]
        if not places:
            raise Refusal(400, f"No such object: '{after}'", param="starting_after")
        rows = rows[places[0] + 1 :]
    limit = wanted.get("limit", 10)
    return listed(url, rows[:limit], has_more=len(rows) > limit)


def expanded(account: Account, answer: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Return a copy with the asked ids replaced by their objects, "latest_invoice.payments" too."""
    copied = dict(answer)
    for path in wanted:
        head, _, rest = path.partition(".")
        value = copied.get(head)
        if isinstance(value, str):
            value = next((rows[value] for rows in account.objects.values() if value in rows), value)
        if rest and isinstance(value, dict):
            value = expanded(account, value, [rest])
        copied[head] = value
    return copied
