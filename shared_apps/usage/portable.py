"""Nothing of the usage figures travels."""

from shared_apps.core.portable import declare_excluded

declare_excluded(
    "what this installation counted and did: another one begins with its own figures",
    "usage_dailyusage",
    "usage_flush",
    "usage_timerstate",
)
