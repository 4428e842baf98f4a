"""What reaches a learner's browser, checked on parsed output and never by searching for strings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.courses.content.errors import BodyTooComplex, BodyTooLarge
from tenant_apps.courses.content.sanitize import (
    MAX_BODY_CHARACTERS,
    attachment_path,
    clean_html,
    plain_text,
    render_markdown,
)
from tests.support.markup import XSS_VECTORS, unsafe_parts


def test_the_check_itself_finds_unsafe_html() -> None:
    """A corpus test is worth nothing when its judge is blind."""
    # given
    planted = "<p onclick=x><a href=' java\nscript:x'><img src=data:x><script></script><!--c-->"
    # when
    found = unsafe_parts(planted)
    # then
    assert found == ["comment c", "p[onclick]", "a[href= java\nscript:x]", "img[src=data:x]", "script"]


@pytest.mark.feature("CNT-05")
@pytest.mark.parametrize("vector", XSS_VECTORS)
def test_clean_html_leaves_nothing_that_runs(vector: str) -> None:
    # given
    assert len(set(XSS_VECTORS)) >= 60
    # when
    cleaned = clean_html(f"<p>before</p>{vector}")
    # then
    assert unsafe_parts(cleaned) == []
    assert cleaned.startswith("<p>before</p>")
    assert clean_html(cleaned) == cleaned


@pytest.mark.parametrize("vector", XSS_VECTORS)
def test_render_markdown_leaves_nothing_that_runs(vector: str) -> None:
    # given a body with the vector as a block, inside a table cell, and as link and image target
    body = f"{vector}\n\n| a |\n|---|\n| {vector} |\n\n[x]({vector}) ![y]({vector})\n\n[z]: {vector}\n"
    # when
    rendered = render_markdown(body)
    # then
    assert unsafe_parts(rendered) == []
    assert clean_html(rendered) == rendered


HTML_PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<b>", "</b>", "<a href='https://a.example/'>", "</a>", "<table>", "<tr>", "<td>"),
        *("</table>", "<pre>", "</pre>", "\n", " ", "<svg>", "</svg>", "<math>", "<mtext>", "<style>"),
        *("</style>", "<!--", "-->", "<img src='https://a.example/i' alt='", "'>", '"', "&lt;", "&amp;", "&"),
        *("&#13;", "&#0;", "\r", "\x00", "<ul>", "<li>", "<h1>", "</h1>", "<noscript>", "<template>", "<"),
        *("<select>", "<code class=language-py>", "</code>", "<form>", "<![CDATA[", "]]>", "<abbr title='"),
        *("<blockquote>", "<i title=x>", "<caption>", "<ol start=3>", "<dl><dt>", "<hr>", "<br>", "\ufeff"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(HTML_PIECES, HTML_PIECES, st.text(max_size=5)), max_size=25).map("".join))
def test_cleaning_twice_is_cleaning_once(source: str) -> None:
    # when
    cleaned = clean_html(source)
    # then
    assert clean_html(cleaned) == cleaned
    assert unsafe_parts(cleaned) == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(HTML_PIECES, st.text(max_size=5)), max_size=12).map("".join))
def test_plain_text_twice_is_plain_text_once(source: str) -> None:
    # when
    text = plain_text(source)
    # then
    assert plain_text(text) == text
    assert text == " ".join(text.split())


def test_render_markdown_writes_the_whole_lesson_vocabulary() -> None:
    # given
    body = (
        "## Heading\n\n~~old~~ **new** [site](https://a.example/?x=1&y=2)\n\n"
        "| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n![a picture](attachment:files/a.png)\n\n> quote\n\n"
        "1. one\n2. two\n\n```python\nx < 1\n```\n<b>raw</b>\n"
    )
    # when
    rendered = render_markdown(body)
    # then
    assert rendered == (
        "<h2>Heading</h2>\n"
        '<p><s>old</s> <strong>new</strong> <a href="https://a.example/?x=1&amp;y=2" '
        'rel="noopener noreferrer">site</a></p>\n'
        '<table>\n<thead>\n<tr>\n<th align="center">a</th>\n<th align="right">b</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<td align="center">1</td>\n<td align="right">2</td>\n</tr>\n</tbody>\n</table>\n'
        '<p><img src="attachment:files/a.png" alt="a picture"></p>\n'
        "<blockquote>\n<p>quote</p>\n</blockquote>\n<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n"
        '<pre><code class="language-python">x &lt; 1\n</code></pre>\n'
        "<p>&lt;b&gt;raw&lt;/b&gt;</p>\n"
    )


@pytest.mark.parametrize(
    ("label", "source", "expected"),
    [
        ("newlines at the start of pre stay", "<pre>\n\nx</pre>", "<pre>\n\nx</pre>"),
        ("http image is dropped", "<img src='http://a.example/x.png' alt='x'>", '<img alt="x">'),
        ("script goes with its text", "a<script>b</script>c", "ac"),
        ("unknown tag goes, text stays", "<font color=red>a</font>", "a"),
        ("table is made whole", "<table><tr><td colspan=2>a", None),
    ],
)
def test_clean_html_keeps_meaning(label: str, source: str, expected: str | None) -> None:
    # given
    whole_table = '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>'
    # when
    cleaned = clean_html(source)
    # then
    assert cleaned == (expected or whole_table), label


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("  Phishing\n\tand   you ", "Phishing and you"),
        ("<b>Bold</b> title", "Bold title"),
        ("AT&T &amp; co: a < b", "AT&T & co: a < b"),
        ("safe\u202egpj.exe\u200b\x07", "safegpj.exe"),
        ("u\u0308ber", "über"),
        ("<script>alert(1)</script>Hi", "Hi"),
        ("&amp;lt;b&amp;gt;x", "x"),
    ],
)
def test_plain_text_is_one_clean_line(source: str, expected: str) -> None:
    assert plain_text(source) == expected


@pytest.mark.parametrize("render", [clean_html, render_markdown, plain_text])
def test_body_over_the_limit_is_refused_with_the_facts(render: object) -> None:
    # given
    assert callable(render)
    body = "a" * (MAX_BODY_CHARACTERS + 1)
    # when
    with pytest.raises(BodyTooLarge) as caught:
        render(body)
    # then
    assert (caught.value.length, caught.value.limit) == (200_001, 200_000)


@pytest.mark.parametrize(
    ("label", "bomb"),
    [
        ("unclosed inline tags repeated in each block", "".join(f"<b title={n}><p>" for n in range(3000))),
        ("deep nesting", "<dl>" * 20_001),
    ],
)
def test_parser_bomb_is_refused_before_parsing(label: str, bomb: str) -> None:
    with pytest.raises(BodyTooComplex) as caught:
        clean_html(bomb)
    assert caught.value.tags == bomb.count("<"), label


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("attachment:files/a%20b.png", "files/a b.png"),
        ("attachment:a.png", "a.png"),
        ("attachment:../a.png", None),
        ("attachment:x/%2e%2e/a.png", None),
        ("attachment:x%2fa.png", None),
        ("attachment:/a.png", None),
        ("attachment:x//a.png", None),
        ("https://a.example/a.png", None),
    ],
)
def test_attachment_path_stays_in_the_folder(url: str, expected: str | None) -> None:
    assert attachment_path(url) == expected
