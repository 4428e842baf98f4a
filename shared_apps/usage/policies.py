"""Who sees figures of use, and who sets shares."""

from shared_apps.core.actors import ADMINS
from shared_apps.core.policies import Rule, declare

VIEW = declare(Rule("usage.view", roles=ADMINS))
VIEW_ANY = declare(Rule("usage.view_any", operators=True))
SHARES = declare(Rule("organizations.shares", operators=True))
