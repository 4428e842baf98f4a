"""What must be true after every act: the ledger, the seats and the gateway say the same."""

import uuid
from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from billing.selectors.ledger import audit_ledger
from tenants.context import in_public
from tests.billing.walk.world import World

_ROWS = """
SELECT s.id, s.gateway_ref, s.status, s.purchased, s.comped, s.used, least(s.purchased, s.pending_purchased),
       s.billed_seats, s.unpaid_purchased,
       (SELECT count(*) FROM billing_seatassignment a WHERE a.subscription_id = s.id AND a.state <> 'revoked')
  FROM billing_subscription s
"""
_NEW = """
SELECT id, subscription_id, version, kind, seats, purchased_after, used_after
  FROM billing_seatentry WHERE id > %s ORDER BY id
"""


@dataclass
class Sums:
    """What the entries of one subscription sum to, added up here one by one."""

    version: int = 0
    purchased: int = 0
    comped: int = 0
    used: int = 0


class Checks:
    """Holds the sides together; its own sums of the ledger are the third opinion."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sums: dict[uuid.UUID, Sums] = defaultdict(Sums)
        self._last = 0
        self.compared = 0

    @property
    def entries(self) -> int:
        """Return how many entries were posted."""
        return sum(each.version for each in self._sums.values())

    def each_step(self) -> None:
        """Compare everything, by two statements."""
        with in_public(), connection.cursor() as cursor:
            cursor.execute(_NEW, [self._last])
            for row in cursor.fetchall():
                self._add(*row)
            cursor.execute(_ROWS)
            for row in cursor.fetchall():
                self._compare(*row)

    def in_full(self) -> None:
        """Let the product's own audit look at every entry."""
        with in_public():
            assert audit_ledger(organization_id=None) == []

    def _add(
        self,
        identifier: int,
        subscription: uuid.UUID,
        version: int,
        kind: str,
        seats: int,
        purchased_after: int,
        used_after: int,
    ) -> None:
        sums = self._sums[subscription]
        assert version == sums.version + 1, (subscription, version)
        sums.version = version
        if kind in ("bought", "comped"):
            sums.purchased += seats
        else:
            sums.used += seats
        if kind == "comped":
            sums.comped += seats
        assert (sums.purchased, sums.used) == (purchased_after, used_after), (subscription, version)
        self._last = identifier

    def _compare(
        self,
        identifier: uuid.UUID,
        ref: str,
        status: str,
        purchased: int,
        comped: int,
        used: int,
        cap: int,
        billed: int | None,
        unpaid: int | None,
        live: int,
    ) -> None:
        sums = self._sums[identifier]
        ours = (purchased, comped, used, used)
        assert (sums.purchased, sums.comped, sums.used, live) == ours, identifier
        assert 0 <= used <= cap, identifier
        assert billed is None, "people hold more than is billed"
        if ref in self._world.dirty:
            return
        theirs = self._world.server.account.objects["subscription"][ref]
        quantity = theirs["items"]["data"][0]["quantity"]
        assert purchased == quantity + comped, (ref, purchased, quantity, comped)
        word = {"incomplete_expired": "expired"}.get(theirs["status"], theirs["status"])
        assert status == word, (ref, status, theirs["status"])
        waiting = theirs["pending_update"]
        assert unpaid == (waiting["subscription_items"][0]["quantity"] if waiting else None), ref
        self.compared += 1
