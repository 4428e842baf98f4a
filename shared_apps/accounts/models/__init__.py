"""Tables of the shared schema about who people are and how they sign in."""

from shared_apps.accounts.models.invitation import Invitation
from shared_apps.accounts.models.membership import Membership
from shared_apps.accounts.models.token import PersonalAccessToken, RefreshToken, SignIn
from shared_apps.accounts.models.user import User

__all__ = ["Invitation", "Membership", "PersonalAccessToken", "RefreshToken", "SignIn", "User"]
