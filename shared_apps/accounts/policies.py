"""Who may do what around sign-in. One's own credentials only: no role opens somebody else's."""

from shared_apps.accounts.errors import PersonalTokenRefused
from shared_apps.core.actors import Actor
from shared_apps.core.policies import Rule, declare, require

REGISTER = declare(Rule("auth.register", anyone=True))
VERIFY_EMAIL = declare(Rule("auth.verify_email", anyone=True))
SIGN_IN = declare(Rule("auth.sign_in", anyone=True))
REFRESH = declare(Rule("auth.refresh", anyone=True))
RESET_PASSWORD = declare(Rule("auth.reset_password", anyone=True))
ME = declare(Rule("auth.me", signed_in=True))
SIGN_OUT = declare(Rule("auth.sign_out", signed_in=True))
SIGN_INS = declare(Rule("auth.sign_ins", signed_in=True))
CHANGE_PASSWORD = declare(Rule("auth.change_password", signed_in=True))
TOKENS = declare(Rule("auth.tokens", signed_in=True))


def require_person(actor: Actor, rule: Rule) -> None:
    """Raise unless a person who signed in acts under the rule; a personal access token is not enough.

    Raises:
        Unauthenticated, Forbidden: the rule says no.
        PersonalTokenRefused: a personal access token acts.
    """
    require(actor, rule)
    if actor.via == "pat":
        raise PersonalTokenRefused
