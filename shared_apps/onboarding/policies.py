"""Who may do what with organizations."""

from shared_apps.core.actors import ADMINS, EVERYONE
from shared_apps.core.policies import Rule, declare

ORGANIZATIONS_VIEW = declare(Rule("organizations.view", operators=True))
ORGANIZATIONS_MANAGE = declare(Rule("organizations.manage", operators=True))
# One's own organization, on its host.
ORGANIZATION_VIEW = declare(Rule("organization.view", roles=EVERYONE))
ORGANIZATION_EDIT = declare(Rule("organization.edit", roles=ADMINS))
