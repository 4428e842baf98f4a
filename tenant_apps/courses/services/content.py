"""What authors send, made safe and checked before it is written; no lesson is written any other way."""

import uuid
from typing import TypedDict

from django.conf import settings

from tenant_apps.courses.content.embeds import DEFAULT_ALLOWED_EMBED_HOSTS, check_embed_url
from tenant_apps.courses.content.errors import BadAllowedHost, ContentError
from tenant_apps.courses.content.folder import MAX_SUMMARY_CHARACTERS, MAX_TITLE_CHARACTERS
from tenant_apps.courses.content.sanitize import clean_html, plain_text, render_markdown
from tenant_apps.courses.enums import BodyFormat, LessonKind
from tenant_apps.courses.errors import (
    EmbedHostsMisconfigured,
    LessonContentRefused,
    TextEmpty,
    TextTooLong,
    UnknownDocument,
)
from tenant_apps.courses.models import Lesson
from tenant_apps.media.selectors.files import existing_file_ids
from tenants.context import current_organization
from tenants.selectors.organizations import get_setting


class LessonFacts(TypedDict, total=False):
    """What an author says of a lesson; a key left out stays as it is. `minutes` 0 means no duration."""

    title: str
    kind: str
    is_published: bool
    is_required: bool
    minutes: int
    body_format: str
    body: str
    document_id: uuid.UUID | None
    embed_url: str


class ModuleFacts(TypedDict, total=False):
    """What an author says of a module."""

    title: str
    summary: str


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


def apply_facts(lesson: Lesson, facts: LessonFacts) -> set[str]:
    """Set the facts on the row, cleaned, and return the names of the columns that changed.

    Raises:
        TextEmpty, TextTooLong: the title.
        LessonContentRefused: the body or the embed address.
        UnknownDocument: no such file.
    """
    before = {name: getattr(lesson, name) for name in _COLUMNS}
    for name in ("kind", "is_published", "is_required", "minutes", "body_format", "body", "document_id"):
        if name in facts:
            setattr(lesson, name, facts[name])
    if "title" in facts:
        lesson.title = plain_title(facts["title"])
    if "body" in facts or "body_format" in facts:
        lesson.body_html = rendered(lesson.body, lesson.body_format)
    if facts.get("embed_url") or (facts.get("kind") == LessonKind.EMBED and lesson.embed_url):
        lesson.embed_url = checked_embed(facts.get("embed_url") or lesson.embed_url, allowed_embed_hosts())
    elif "embed_url" in facts:
        lesson.embed_url = ""
    changed = {name for name in _COLUMNS if getattr(lesson, name) != before[name]}
    if "document_id" in changed and lesson.document_id and not existing_file_ids([lesson.document_id]):
        raise UnknownDocument(field="document_id")
    return changed


def rendered(body: str, body_format: str) -> str:
    """Return the safe HTML of a body in "markdown" or "html".

    Raises:
        LessonContentRefused: too large, or so many tags that parsing them could exhaust memory.
    """
    try:
        return render_markdown(body) if body_format == BodyFormat.MARKDOWN else clean_html(body)
    except ContentError as error:
        raise LessonContentRefused(field="body", reason=error.code) from error


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


_COLUMNS = (
    "title",
    "kind",
    "is_published",
    "is_required",
    "minutes",
    "body_format",
    "body",
    "body_html",
    "document_id",
    "embed_url",
)


def _plain(text: str, *, field: str, limit: int) -> str:
    try:
        line = plain_text(text)
    except ContentError as error:
        raise LessonContentRefused(field=field, reason=error.code) from error
    if len(line) > limit:
        raise TextTooLong(field=field, limit=limit)
    return line
