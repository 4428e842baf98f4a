"""Nothing of the remembered answers travels."""

from shared_apps.core.portable import declare_excluded

declare_excluded("answers remembered for a day, to requests at the old host", "idempotency_rememberedanswer")
