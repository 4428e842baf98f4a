"""What people say about themselves."""

import re
import uuid
import zoneinfo
from functools import cache

from shared_apps.accounts.models import User
from shared_apps.core.errors import InvalidInput, NotFound
from shared_apps.core.transactions import require_transaction

PROFILE_FIELDS = ("name", "timezone", "language")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


class UnknownTimezone(InvalidInput):
    """The zone is not in the IANA database."""

    code = "unknown_timezone"
    title = "There is no such timezone."
    advice = "Send an IANA name, like Europe/Berlin."


class UnknownLanguage(InvalidInput):
    """The language is no BCP 47 tag."""

    code = "unknown_language"
    title = "This is not a language tag."
    advice = "Send a tag like en, de or pt-BR."


def check_timezone(value: str, *, field: str = "timezone") -> str:
    """Return the name of an IANA zone.

    Raises:
        UnknownTimezone: there is none of that name.
    """
    if value not in _zones():
        raise UnknownTimezone(field=field)
    return value


def check_language(value: str, *, field: str = "language") -> str:
    """Return a well-formed language tag.

    Raises:
        UnknownLanguage: it is not one.
    """
    if not _LANGUAGE.match(value):
        raise UnknownLanguage(field=field)
    return value


def do_update_user(
    *, user_id: uuid.UUID | None, name: str | None, timezone: str | None, language: str | None
) -> User:
    """Write the given parts of a person's profile, None leaves one as it is; return the row.

    Raises:
        UnknownTimezone, UnknownLanguage: see above.
        NotFound: there is no such account.
    """
    require_transaction()
    rows = User.objects.select_for_update(no_key=True)
    user = rows.filter(pk=user_id).first() if user_id else None
    if user is None:
        raise NotFound
    if name is not None:
        user.name = name
    if timezone is not None:
        user.timezone = check_timezone(timezone)
    if language is not None:
        user.language = check_language(language)
    user.save_fields(*PROFILE_FIELDS)
    return user


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
