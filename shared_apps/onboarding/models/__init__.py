"""Tables of onboarding: how organizations come and end, and operators' entries into them."""

from shared_apps.onboarding.models.entry import SupportEntry
from shared_apps.onboarding.models.offboarding import DeletionReceipt, Offboarding
from shared_apps.onboarding.models.sign_up import SignUp

__all__ = ["DeletionReceipt", "Offboarding", "SignUp", "SupportEntry"]
