"""Lesson bodies and titles made safe to show in a browser.

Everything a learner sees passes `clean_html`, also our own Markdown rendering: the allow-list below is
the only place that decides what may reach a page.
"""

import html
import re
import unicodedata
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import unquote

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from tenant_apps.courses.content.errors import BodyTooComplex, BodyTooLarge

MAX_BODY_CHARACTERS: Final = 200_000
MAX_TAGS: Final = 20_000
# An HTML parser repeats every unclosed inline tag inside each following block, so 32 kB of input can
# become 38 MB of output. The product of both counts bounds that growth; real lessons stay far below.
MAX_TAG_PRODUCT: Final = 1_000_000

ATTACHMENT_SCHEME: Final = "attachment"

_TAGS: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "var",
    ]
)
# Their text is code or markup in another language, never prose: it goes together with the element.
_DROPPED_WITH_CONTENT: Final = frozenset(
    [
        "script",
        "style",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "noscript",
        "noembed",
        "noframes",
        "template",
        "textarea",
        "title",
        "xmp",
        "plaintext",
        "select",
    ]
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "code": {"class"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
_ALLOWED_VALUES: Final = {
    ("code", "class"): re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}"),
    ("img", "width"): re.compile(r"[1-9][0-9]{0,3}"),
    ("img", "height"): re.compile(r"[1-9][0-9]{0,3}"),
    ("ol", "start"): re.compile(r"[0-9]{1,9}"),
    ("td", "align"): re.compile(r"left|center|right"),
    ("th", "align"): re.compile(r"left|center|right"),
    ("td", "colspan"): re.compile(r"[1-9][0-9]?"),
    ("td", "rowspan"): re.compile(r"[1-9][0-9]?"),
    ("th", "colspan"): re.compile(r"[1-9][0-9]?"),
    ("th", "rowspan"): re.compile(r"[1-9][0-9]?"),
    ("th", "scope"): re.compile(r"col|row|colgroup|rowgroup"),
}
# No white space, control characters, backslashes, quotes or angle brackets: whatever another parser
# might read differently is not a link.
_LINK: Final = re.compile(
    r"(?:https?://[^\s\x00-\x20\x7f\\\"'<>`]+|mailto:[^\s\x00-\x20\x7f\\\"'<>`]+)", re.I
)
_IMAGE: Final = re.compile(r"https://[^\s\x00-\x20\x7f\\\"'<>`]+", re.I)
_ATTACHMENT: Final = re.compile(rf"{ATTACHMENT_SCHEME}:(?P<path>[\w.%+~-]+(?:/[\w.%+~-]+)*)")
_ENCODED_PATH_TRICK: Final = re.compile(r"%(?:2e|2f|5c|7f|[01][0-9a-f])", re.I)
_FORMATTING_TAG: Final = re.compile(
    r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.I
)
_ANY_TAG: Final = re.compile(r"<[a-z]", re.I)
_MAX_PASSES: Final = 8


def attachment_path(url: str) -> str | None:
    """Return the folder-relative path named by an `attachment:` URL, or None for any other URL.

    Percent-encoding is resolved. Paths with empty, `.` or `..` segments are not attachments, nor are
    paths that hide dots, slashes or control characters behind percent signs.
    """
    match = _ATTACHMENT.fullmatch(url)
    if match is None or _ENCODED_PATH_TRICK.search(url):
        return None
    path = unquote(match["path"])
    return None if any(set(segment) == {"."} for segment in path.split("/")) else path


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("a", "href"):
        return value if _LINK.fullmatch(value) else None
    if (tag, name) == ("img", "src"):
        return value if _IMAGE.fullmatch(value) or attachment_path(value) else None
    pattern = _ALLOWED_VALUES.get((tag, name))
    if pattern is not None:
        return value if pattern.fullmatch(value) else None
    return " ".join(_without_control_characters(value).split())


_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_filter_attribute,
    url_schemes={"http", "https", "mailto", ATTACHMENT_SCHEME},
    url_relative="deny",
    link_rel="noopener noreferrer",
)
_TEXT_ONLY: Final = nh3.Cleaner(tags=frozenset(), clean_content_tags={"script", "style"})


def clean_html(source: str) -> str:
    """Return `source` reduced to the tags, attributes and addresses a lesson may use.

    Cleaning a result again gives the same result, so stored bodies never drift between saves.

    Raises:
        BodyTooLarge: more than MAX_BODY_CHARACTERS characters.
        BodyTooComplex: so many tags that parsing them could exhaust memory.
    """
    _refuse_oversized(source)
    _refuse_parser_bombs(source)
    return _clean_until_stable(source)


def render_markdown(source: str) -> str:
    """Return CommonMark with tables and strikethrough as clean HTML; raw HTML in it becomes text.

    Raises:
        BodyTooLarge: more than MAX_BODY_CHARACTERS characters.
    """
    _refuse_oversized(source)
    # Rendered Markdown is balanced and its nesting limited, so the bomb check has nothing to find.
    return _clean_until_stable(_MARKDOWN.render(source))


def plain_text(source: str) -> str:
    """Return `source` as one line without markup, control or direction-changing characters (NFC).

    For titles and summaries. The result is text, not HTML: pages must still escape it.

    Raises:
        BodyTooLarge: more than MAX_BODY_CHARACTERS characters.
        BodyTooComplex: so many tags that parsing them could exhaust memory.
    """
    _refuse_oversized(source)
    _refuse_parser_bombs(source)
    text = source
    for _ in range(_MAX_PASSES):
        stripped = _one_line(html.unescape(_TEXT_ONLY.clean(text)))
        if stripped == text:
            return text
        text = stripped
    # Markup escaped many times over is an attack on whoever decodes it, not a title.
    return _one_line(re.sub(r"[<>&]", " ", text))


def _refuse_oversized(source: str) -> None:
    if len(source) > MAX_BODY_CHARACTERS:
        raise BodyTooLarge(length=len(source), limit=MAX_BODY_CHARACTERS)


def _refuse_parser_bombs(source: str) -> None:
    tags = len(_ANY_TAG.findall(source))
    if tags > MAX_TAGS:
        raise BodyTooComplex(tags=tags, limit=MAX_TAGS)
    formatting = len(_FORMATTING_TAG.findall(source))
    if formatting * (tags - formatting) > MAX_TAG_PRODUCT:
        raise BodyTooComplex(tags=tags, limit=MAX_TAGS)


def _clean_once(source: str) -> str:
    cleaned = _CLEANER.clean(source)
    # A parser swallows the first newline of <pre>; writing it doubled keeps the block and the fixpoint.
    return cleaned.replace("<pre>\n", "<pre>\n\n")


def _clean_until_stable(source: str) -> str:
    """Clean until nothing changes: markup that reads differently the second time is how mXSS works."""
    cleaned = _clean_once(_without_control_characters(source))
    for _ in range(_MAX_PASSES):
        again = _clean_once(cleaned)
        if again == cleaned:
            return cleaned
        cleaned = again
    text = _without_control_characters(html.unescape(_TEXT_ONLY.clean(cleaned)))
    return _TEXT_ONLY.clean(text)


def _without_control_characters(text: str) -> str:
    """Drop control characters but tab and newline, and surrogates that no encoder accepts."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs"))


# Joiners carry meaning in several scripts and in emoji; every other format character can hide or
# reorder what a reader sees.
_MEANINGFUL_FORMAT_CHARACTERS: Final = frozenset("\u200c\u200d")


def _one_line(text: str) -> str:
    spaced = " ".join(text.split())
    visible = (
        c
        for c in unicodedata.normalize("NFC", spaced)
        if c in _MEANINGFUL_FORMAT_CHARACTERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return " ".join("".join(visible).split())


def _render_cell(
    self: RendererHTML, tokens: list[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    """Write a table cell's alignment as `align`, because a `style` attribute never passes the allow-list."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrs["align"] = style.removeprefix("text-align:")
    return self.renderToken(tokens, index, options, env)


def _make_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.add_render_rule("td_open", _render_cell)
    markdown.add_render_rule("th_open", _render_cell)
    return markdown


_MARKDOWN: Final = _make_markdown()
