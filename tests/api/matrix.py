"""Who may call which operation, at all; rights on single objects have tests of their own.

Each line: operation id -> the roles that pass its policy. ANYONE needs no sign-in.
"""

from shared_apps.core.actors import ADMINS, EVERYONE, Role

ANYONE = frozenset({"anyone"})
OPERATOR = frozenset({"operator"})
SIGNED_IN = frozenset({"user", "operator"})

_ = (ADMINS, EVERYONE, Role)

TENANT: dict[str, frozenset[str]] = {}

PLATFORM: dict[str, frozenset[str]] = {}
