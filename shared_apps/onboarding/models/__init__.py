"""Tables of onboarding: how organizations end, and operators' entries into them."""

from shared_apps.onboarding.models.entry import SupportEntry
from shared_apps.onboarding.models.offboarding import DeletionReceipt, Offboarding

__all__ = ["DeletionReceipt", "Offboarding", "SupportEntry"]
