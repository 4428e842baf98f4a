"""What authors send, made safe and checked before it is written; no lesson is written any other way."""

import uuid
from collections.abc import Collection
from typing import Any, TypedDict

from django.conf import settings

from tenant_apps.courses.content.addresses import check_https_url
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.content.embeds import DEFAULT_ALLOWED_EMBED_HOSTS, check_embed_url
from tenant_apps.courses.content.errors import BadAllowedHost, ContentError
from tenant_apps.courses.content.folder import MAX_SUMMARY_CHARACTERS, MAX_TITLE_CHARACTERS
from tenant_apps.courses.content.rules import parse_requires, parse_time_rule, time_rule_json
from tenant_apps.courses.content.sanitize import plain_text
from tenant_apps.courses.enums import BodyFormat, LessonKind
from tenant_apps.courses.errors import (
    EmbedHostsMisconfigured,
    LessonContentRefused,
    TextEmpty,
    TextTooLong,
    UnknownDocument,
)
from tenant_apps.courses.models import Lesson, Module
from tenant_apps.courses.services.texts import new_text
from tenant_apps.media.selectors.files import existing_file_ids
from tenants.context import current_organization
from tenants.selectors.organizations import get_setting


class LessonFacts(TypedDict, total=False):
    """What an author says of a lesson or topic; a key left out stays as it is.

    `minutes` and `duration_seconds` 0 mean no duration. `release`, `requires` and `due` are in the JSON form
    of `content.rules`.
    """

    title: str
    kind: str
    is_published: bool
    is_required: bool
    is_preview: bool
    is_downloadable: bool
    minutes: int
    weight: int
    body_format: str
    body: str
    document_id: uuid.UUID | None
    embed_url: str
    media_url: str
    duration_seconds: int
    linked_id: uuid.UUID | None
    release: dict[str, Any] | None
    requires: list[str]
    due: dict[str, Any] | None


class ModuleFacts(TypedDict, total=False):
    """What an author says of a module; rules as in `LessonFacts`."""

    title: str
    summary: str
    release: dict[str, Any] | None
    requires: list[str]
    due: dict[str, Any] | None


def allowed_embed_hosts() -> tuple[str, ...]:
    """Return the hosts lessons may embed from: the platform's, then the organization's own; one query."""
    own = get_setting(organization_id=current_organization().id, name="embed_allowed_hosts", default=[])
    hosts = own if isinstance(own, list) else []
    return (*DEFAULT_ALLOWED_EMBED_HOSTS, *settings.EMBED_ALLOWED_HOSTS, *map(str, hosts))


def plain_title(text: str, *, field: str = "title") -> str:
    """Return the title as plain text.

    Raises:
        TextEmpty, TextTooLong, LessonContentRefused: nothing readable left, too long, a parser bomb.
    """
    line = _plain(text, field=field, limit=MAX_TITLE_CHARACTERS)
    if not line:
        raise TextEmpty(field=field)
    return line


def plain_summary(text: str) -> str:
    """Return the summary as plain text, perhaps empty.

    Raises:
        TextTooLong, LessonContentRefused: as for `plain_title`.
    """
    return _plain(text, field="summary", limit=MAX_SUMMARY_CHARACTERS)


def apply_module_facts(module: Module, facts: ModuleFacts) -> set[str]:
    """Set the facts on the row, cleaned, and return the names of the columns that changed.

    Raises:
        TextEmpty, TextTooLong: title or summary.
        RuleRefused: a rule that cannot be read; whether its units exist is asked of the whole version.
    """
    before = {name: getattr(module, name) for name in _MODULE_COLUMNS}
    if "title" in facts:
        module.title = plain_title(facts["title"])
    if "summary" in facts:
        module.summary = plain_summary(facts["summary"])
    _apply_rules(module, facts)
    return {name for name in _MODULE_COLUMNS if getattr(module, name) != before[name]}


def apply_facts(
    lesson: Lesson,
    facts: LessonFacts,
    *,
    hosts: tuple[str, ...] | None = None,
    files: Collection[uuid.UUID] | None = None,
) -> set[str]:
    """Set the facts on the row, cleaned, and return the names of the columns that changed.

    A new text is set on the lesson unsaved (see `texts`); an equal one leaves the text as it is.

    Args:
        lesson: the row; its text joined, where it may have one.
        facts: what to set.
        hosts: that embeds may come from, where the caller has read them already.
        files: that there are, where the caller has asked for those named already.

    Raises:
        TextEmpty, TextTooLong: the title.
        LessonContentRefused: the body or an address.
        RuleRefused: a rule that cannot be read; whether its units exist is asked of the whole version.
        UnknownDocument: no such file.
    """
    before = {name: getattr(lesson, name) for name in _COLUMNS}
    for name in _PLAIN:
        if name in facts:
            setattr(lesson, name, facts[name])  # type: ignore[literal-required]
    if "title" in facts:
        lesson.title = plain_title(facts["title"])
    _apply_text(lesson, facts)
    _apply_addresses(lesson, facts, hosts)
    _apply_rules(lesson, facts)
    changed = {name for name in _COLUMNS if getattr(lesson, name) != before[name]}
    if "document_id" in changed and lesson.document_id:
        known = existing_file_ids([lesson.document_id]) if files is None else files
        if lesson.document_id not in known:
            raise UnknownDocument(field="document_id")
    return changed


def _apply_text(lesson: Lesson, facts: LessonFacts) -> None:
    if "body" not in facts and "body_format" not in facts:
        return
    shown = lesson.text
    body = facts.get("body", shown.body if shown else "")
    body_format = facts.get("body_format", shown.body_format if shown else BodyFormat.MARKDOWN)
    if shown is None or shown.digest != text_digest(body_format, body):
        lesson.text = new_text(body, body_format)


def _apply_addresses(lesson: Lesson, facts: LessonFacts, hosts: tuple[str, ...] | None) -> None:
    embeds = facts.get("kind") == LessonKind.EMBED
    if facts.get("embed_url") or (embeds and lesson.embed_url):
        allowed = allowed_embed_hosts() if hosts is None else hosts
        lesson.embed_url = checked_embed(facts.get("embed_url") or lesson.embed_url, allowed)
    elif "embed_url" in facts:
        lesson.embed_url = ""
    if "media_url" in facts:
        lesson.media_url = (
            checked_address(facts["media_url"], field="media_url") if facts["media_url"] else ""
        )


def _apply_rules(row: Lesson | Module, facts: LessonFacts | ModuleFacts) -> None:
    if "release" in facts:
        row.release = time_rule_json(parse_time_rule(facts["release"], field="release"))
    if "due" in facts:
        row.due = time_rule_json(parse_time_rule(facts["due"], field="due"))
    if "requires" in facts:
        row.requires = [str(each) for each in parse_requires(facts["requires"])]


def checked_address(url: str, *, field: str) -> str:
    """Return the canonical https address.

    Raises:
        LessonContentRefused: not https, or not plainly a host.
    """
    try:
        return check_https_url(url)
    except ContentError as error:
        raise LessonContentRefused(field=field, reason=error.code) from error


def checked_embed(url: str, hosts: tuple[str, ...]) -> str:
    """Return the canonical address.

    Raises:
        LessonContentRefused: not https, or a host that is not in `hosts`.
        EmbedHostsMisconfigured: `hosts` holds something that is no host.
    """
    try:
        return check_embed_url(url, hosts)
    except BadAllowedHost as error:
        raise EmbedHostsMisconfigured(entry=error.entry) from error
    except ContentError as error:
        raise LessonContentRefused(
            field="embed_url", reason=error.code, allowed=sorted(set(hosts))
        ) from error


_PLAIN = (
    "kind",
    "is_published",
    "is_required",
    "is_preview",
    "is_downloadable",
    "minutes",
    "weight",
    "document_id",
    "duration_seconds",
    "linked_id",
)
_RULES = ("release", "requires", "due")
_COLUMNS = ("title", *_PLAIN, "text_id", "embed_url", "media_url", *_RULES)
_MODULE_COLUMNS = ("title", "summary", *_RULES)


def _plain(text: str, *, field: str, limit: int) -> str:
    try:
        line = plain_text(text)
    except ContentError as error:
        raise LessonContentRefused(field=field, reason=error.code) from error
    if len(line) > limit:
        raise TextTooLong(field=field, limit=limit)
    return line
