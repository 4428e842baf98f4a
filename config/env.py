"""Typed reading of the environment. A wrong or missing value stops the start with its name and what to do."""

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the default; without a default an unset or empty variable is an error.

    Raises:
        ImproperlyConfigured: unset or empty, and no default was given.
    """
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(
            f"Set the environment variable {name}: it has no default in this environment."
        )
    return default


def integer(name: str, default: int | None = None) -> int:
    """Return the variable as a whole number."""
    value = text(name, None if default is None else str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from error


def boolean(name: str, default: bool | None = None) -> bool:
    """Return the variable as a truth value: 1/true/yes/on or 0/false/no/off."""
    value = text(name, None if default is None else str(default)).lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def words(name: str, default: str | None = None) -> list[str]:
    """Return a comma-separated variable as a list without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, among: dict[str, str]) -> str:
    """Return what the variable's word stands for.

    Args:
        name: of the variable.
        default: the word where it is not set.
        among: the words there are, and what each stands for.

    Raises:
        ImproperlyConfigured: another word; with those there are.
    """
    word = text(name, default).lower()
    if word not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {word!r}.")
    return among[word]


def database(url: str) -> dict[str, object]:
    """Return Django's database settings for a libpq URL.

    The socket form ``postgresql://user@/name?host=/run/dir&port=5432`` is understood; other query
    parameters (``sslmode``, ``connect_timeout``) go to libpq as they are.

    Raises:
        ImproperlyConfigured: another scheme, or no database name.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    options: dict[str, str] = dict(parse_qsl(parts.query))
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": options.pop("port", None) or str(parts.port or ""),
        "OPTIONS": options,
    }
