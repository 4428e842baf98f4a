"""Clean text to values: e-mail addresses, dates, time zones, languages, roles, names of cohorts.

Each function gives the value or a `Flaw`; none raises, since a bad cell is an expected answer.
"""

import re
import unicodedata
import zoneinfo
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

import idna

from tenant_apps.rosters.parsing.cells import remove_joiners


class Flaw(NamedTuple):
    """Why a cell has no usable value: a stable code, and what to do about it."""

    code: str
    advice: str


_EMAIL_INVALID = Flaw("email_invalid", "Write one address of the form name@company.example, nothing else.")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}(?<!-)")
_MAX_LOCAL_PART = 64
_MAX_EMAIL = 254


def parse_email(text: str) -> str | Flaw:
    """Normalise an address: NFKC, lower case, the domain in its ASCII form.

    The part before the @ must be ASCII: few mail systems deliver others, and letters that only look alike
    would make two accounts of one person. So two spellings of one address always give the same result.
    """
    folded = remove_joiners(unicodedata.normalize("NFKC", text)).lower()
    local, at, domain = folded.rpartition("@")
    if not at or len(local) > _MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        return _EMAIL_INVALID
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return _EMAIL_INVALID
    address = f"{local}@{domain}"
    if len(address) > _MAX_EMAIL or not _DOMAIN.fullmatch(domain):
        return _EMAIL_INVALID
    return address


def normalize_known_email(text: str) -> str:
    """Normalise an address the organization already has, so that it compares with those of a file.

    One that is invalid by our rules stays as it is in lower case: it belongs to somebody, only no file names
    it.
    """
    parsed = parse_email(text.strip())
    return text.strip().lower() if isinstance(parsed, Flaw) else parsed


_ISO_DATE = re.compile(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?: 00:00(?::00)?)?")
_SLASHED_DATE = re.compile(r"\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2})(?: .*)?")
_SPREADSHEET_NUMBER = re.compile(r"\d{5}(?:[.,]\d+)?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100

_BAD_DATE = Flaw("bad_date", "Write the date as YYYY-MM-DD (2027-03-31) or DD.MM.YYYY (31.03.2027).")
_AMBIGUOUS_DATE = Flaw(
    "bad_date",
    "Day and month can be mixed up in this form; write YYYY-MM-DD (2027-03-31) or DD.MM.YYYY (31.03.2027).",
)
_NUMBER_DATE = Flaw(
    "bad_date",
    "This looks like a spreadsheet's internal number; format the column as a date YYYY-MM-DD and export.",
)
_NO_SUCH_DATE = Flaw("bad_date", "There is no such day; write the date as YYYY-MM-DD (2027-03-31).")


def parse_date(text: str) -> date | Flaw:
    """Read an ISO date (also without separators, or with a midnight behind it) or a German one.

    Forms with slashes are refused even when only one reading is possible (31/01/2027): the next row of the
    same column would have two, and taking half of a column is worse than taking none.
    """
    if match := _ISO_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif match := _DOTTED_DATE.fullmatch(text):
        day, month, year = int(match[1]), int(match[2]), int(match[3])
    elif _SLASHED_DATE.fullmatch(text):
        return _AMBIGUOUS_DATE
    elif _SPREADSHEET_NUMBER.fullmatch(text):
        return _NUMBER_DATE
    else:
        return _BAD_DATE
    try:
        parsed = date(year, month, day)
    except ValueError:
        return _NO_SUCH_DATE
    return parsed if _FIRST_YEAR <= year <= _LAST_YEAR else _NO_SUCH_DATE


_UNKNOWN_TIMEZONE = Flaw("unknown_timezone", "Use a name of the IANA list, such as Europe/Berlin.")


@cache
def _timezones() -> Mapping[str, str]:
    # "Factory" and "localtime" are placeholders of the time zone database, no place has them.
    names = zoneinfo.available_timezones() - {"Factory", "localtime"}
    return {name.casefold(): name for name in names}


def parse_timezone(text: str) -> str | Flaw:
    """Give the IANA name in its proper spelling; case and spaces for underscores do not matter."""
    key = remove_joiners(text).casefold().replace(" ", "_")
    return _timezones().get(key, _UNKNOWN_TIMEZONE)


_LANGUAGE_TAG = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?")
_LANGUAGE_NAMES: Mapping[str, str] = {
    name: code
    for code, names in {
        "de": ("deutsch", "german", "allemand", "alemán"),
        "en": ("englisch", "english", "anglais", "inglés"),
        "fr": ("französisch", "french", "français", "francés"),
        "es": ("spanisch", "spanish", "espagnol", "español"),
    }.items()
    for name in names
}
_UNKNOWN_LANGUAGE = Flaw(
    "unknown_language", "Use a language code such as de, en or pt-BR; the default is used."
)


def parse_language(text: str) -> str | Flaw:
    """Give a BCP 47 tag (language, script, region) in its usual case, from `de`, `DE_de`, `zh-hans-cn`,
    `Deutsch`.

    The shape is checked, not the registry: which languages the product speaks is not the file's business.
    """
    key = remove_joiners(text).casefold().replace("_", "-")
    if key in _LANGUAGE_NAMES:
        return _LANGUAGE_NAMES[key]
    match = _LANGUAGE_TAG.fullmatch(key)
    if match is None:
        return _UNKNOWN_LANGUAGE
    parts = (match[1], match[2] and match[2].title(), match[3] and match[3].upper())
    return "-".join(part for part in parts if part)


_ROLE_WORDS: Mapping[str, str] = {
    "owner": "owner, inhaber, eigentümer, propriétaire, propietario, proprietario",
    "admin": "admin, administrator, administratorin, administrateur, administratrice, administrador, "
    "administradora",
    "billing_admin": "billing admin, billing administrator, billing, rechnungsadmin, abrechnung",
    "manager": "manager, team lead, team leader, supervisor, teamleiter, teamleiterin, teamleitung, "
    "vorgesetzter, vorgesetzte, führungskraft, responsable, jefe",
    "instructor": "instructor, trainer, trainerin, teacher, tutor, coach, dozent, dozentin, lehrer, "
    "lehrerin, kursleiter, kursleiterin, formateur, formatrice, instructeur, formador, formadora, "
    "instructora",
    "learner": "learner, student, employee, participant, trainee, user, member, staff, "
    "teilnehmer, teilnehmerin, mitarbeiter, mitarbeiterin, lernende, lernender, apprenant, apprenante, "
    "participante, employé, employée, "
    "empleado, empleada, alumno, alumna, estudiante",
}
_ROLES: Mapping[str, str] = {
    word.strip(): role for role, words in _ROLE_WORDS.items() for word in (role, *words.split(","))
}
_UNKNOWN_ROLE = Flaw(
    "unknown_role", "Use learner, instructor, manager, billing_admin or admin, or leave it empty."
)
_ROLE_NOT_ALLOWED = Flaw(
    "role_not_allowed",
    "A roster cannot make owners; use another role and hand ownership over in the settings.",
)


def parse_role(text: str) -> str | Flaw:
    """Give one of our role names. `owner` is refused: an owner hands ownership over, a list does not."""
    key = remove_joiners(text).casefold().replace("-", " ")
    role = _ROLES.get(key) or _ROLES.get(key.replace("_", " "))
    if role is None:
        return _UNKNOWN_ROLE
    return _ROLE_NOT_ALLOWED if role == "owner" else role


def fold_name(text: str) -> str:
    """Give the form under which two spellings of one name (a cohort, an employee id) count as the same."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
