"""Who may do what with organizations."""

from shared_apps.core.actors import ADMINS, EVERYONE, Role
from shared_apps.core.policies import Rule, declare

ORGANIZATIONS_VIEW = declare(Rule("organizations.view", operators=True))
ORGANIZATIONS_MANAGE = declare(Rule("organizations.manage", operators=True))
ORGANIZATIONS_ENTER = declare(Rule("organizations.enter", operators=True))
# One's own organization, on its host.
ORGANIZATION_VIEW = declare(Rule("organization.view", roles=EVERYONE))
ORGANIZATION_EDIT = declare(Rule("organization.edit", roles=ADMINS))
ORGANIZATION_RENAME = declare(Rule("organization.rename", roles=ADMINS))
# Whether operators may look in is for those who answer for the data.
ORGANIZATION_SUPPORT = declare(Rule("organization.support", roles=frozenset({Role.OWNER})))
# Its custom domains; operators too, on the platform's host.
DOMAINS_MANAGE = declare(Rule("domains.manage", roles=ADMINS, operators=True))
# A company signs itself up: nobody is signed in, the secret of the sign-up is the right.
SIGN_UP = declare(Rule("sign_ups.use", anyone=True))
SIGN_UPS_VIEW = declare(Rule("sign_ups.view", operators=True))
SIGN_UPS_MANAGE = declare(Rule("sign_ups.manage", operators=True))
