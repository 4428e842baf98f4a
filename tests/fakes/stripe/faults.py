"""Faults to be had on order: what a network and a busy gateway do to a call."""

import threading
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with one call."""

    ERROR_BEFORE = "500 before the effect"
    ERROR_AFTER = "500 after the effect"
    DROP_AFTER = "connection dropped after the effect"
    TOO_MANY = "429"
    STALL = "no answer in time"


@dataclass(slots=True)
class Order:
    """A fault for the next `times` calls of an operation, after `skip` good ones; "*" for any."""

    verb: str
    template: str
    fault: Fault
    times: int = 1
    skip: int = 0


class Faults:
    """The orders that are still to be served."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._kept: list[tuple[str, str, bool]] = []
        self._lock = threading.Lock()
        self.stall_seconds = 30.0

    def order(
        self, fault: Fault, verb: str = "*", template: str = "*", *, times: int = 1, skip: int = 0
    ) -> None:
        """Have the next calls of an operation go wrong, after `skip` that go well."""
        with self._lock:
            self._orders.append(Order(verb, template, fault, times, skip))

    def order_kept(self, verb: str, template: str, *, times: int = 1, with_effect: bool = False) -> None:
        """Have calls of an operation fail, with or without effect, and the failure be the answer to their
        keys from then on, as the gateway keeps it."""
        with self._lock:
            self._kept += [(verb, template, with_effect)] * times

    def take_kept(self, verb: str, template: str, *, with_effect: bool) -> bool:
        """Tell whether this call is to fail so."""
        order = (verb, template, with_effect)
        with self._lock:
            if order not in self._kept:
                return False
            self._kept.remove(order)
        return True

    def take(self, verb: str, template: str) -> Fault | None:
        """Return the fault of this call, if one is due."""
        with self._lock:
            for order in self._orders:
                if order.verb in {"*", verb} and order.template in {"*", template}:
                    if order.skip:
                        order.skip -= 1
                        continue
                    order.times -= 1
                    if order.times == 0:
                        self._orders.remove(order)
                    return order.fault
        return None

    def clear(self) -> None:
        """Forget all orders."""
        with self._lock:
            self._orders.clear()
            self._kept.clear()
