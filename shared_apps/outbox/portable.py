"""Nothing of the outbox travels."""

from shared_apps.core.portable import declare_excluded

declare_excluded(
    "effects on their way, delivered by the installation that wrote them", "outbox_outboxmessage"
)
