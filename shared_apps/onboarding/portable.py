"""Nothing of onboarding travels."""

from shared_apps.core.portable import declare_excluded

declare_excluded(
    "how this installation ends the organization, and the proof that it did",
    "onboarding_offboarding",
    "onboarding_deletionreceipt",
)
declare_excluded(
    "entries of this installation's operators; the organization's audit log, which travels, has them",
    "onboarding_supportentry",
)
declare_excluded(
    "how an organization came to this installation; what it bought travels as its subscription",
    "onboarding_signup",
)
