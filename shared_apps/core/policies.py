"""One kind of rule for every app: who may do an act, by role, or by a right on the object itself.

An app declares its rules in its `policies.py`; importing that module registers them. A rule answers "may",
the functions `visible_*` beside it answer "which rows", from the same role sets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.core.errors import Forbidden, Unauthenticated

ObjectCheck = Callable[[Actor, Any], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named act and who may do it.

    Attributes:
        name: "courses.edit"; views declare it, the permission matrix test reads it.
        roles: members with one of these roles may, on any object they see.
        object_roles: members with one of these roles may if `holds` says so for the object.
        holds: whether the actor has the right on this object.
        operators: operators of the platform may.
        anyone: no sign-in needed.
        signed_in: every signed-in user may, whatever the role.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    object_roles: frozenset[Role] = frozenset()
    holds: ObjectCheck | None = None
    operators: bool = False
    anyone: bool = False
    signed_in: bool = False


_rules: dict[str, Rule] = {}


def declare(rule: Rule) -> Rule:
    """Register a rule under its name and return it.

    Raises:
        ValueError: the name is taken; two rules of one name would make the answer depend on import order.
    """
    if rule.name in _rules:
        raise ValueError(f"the policy {rule.name} is declared twice")
    _rules[rule.name] = rule
    return rule


def get_rule(name: str) -> Rule:
    """Return the rule of that name; KeyError for an unknown one."""
    return _rules[name]


def all_rules() -> dict[str, Rule]:
    """Return every declared rule by name."""
    return dict(_rules)


def may(actor: Actor, rule: Rule, target: Any = None) -> bool:
    """Tell whether the actor may do the act, to `target` when the right hangs on an object.

    Without a target a rule with object rights answers whether there may be any object it holds for: the
    first, coarse question of a view; the service asks again with the object.
    """
    if rule.anyone:
        return True
    match actor.kind:
        case ActorKind.SYSTEM:
            return True
        case ActorKind.OPERATOR:
            return rule.operators or rule.signed_in
        case ActorKind.USER:
            return rule.signed_in
        case ActorKind.MEMBER:
            if rule.signed_in or actor.role in rule.roles:
                return True
            if actor.role in rule.object_roles and rule.holds is not None:
                return True if target is None else rule.holds(actor, target)
            return False
        case _:
            return False


def require(actor: Actor, rule: Rule, target: Any = None) -> None:
    """Raise unless the actor may.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: signed in, but without the right.
    """
    if may(actor, rule, target):
        return
    if not actor.is_authenticated:
        raise Unauthenticated
    raise Forbidden(needed=rule.name)
