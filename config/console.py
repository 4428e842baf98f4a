"""Labels of the operator console that depend on the environment."""

from django.conf import settings
from django.http import HttpRequest


def environment_label(request: HttpRequest) -> list[str] | None:
    """Return the coloured label shown beside the console's title, so nobody mistakes one place for another."""
    if settings.PUBLIC_URL_SCHEME == "https":
        return ["Production", "danger"]
    return ["Local", "info"]
