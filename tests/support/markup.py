"""The corpus of markup that attacks readers, and the judge that says whether any of it is left."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

XSS_VECTORS: list[str] = json.loads(
    (Path(__file__).parents[1] / "data" / "xss.json").read_text(encoding="utf-8")
)

FORBIDDEN_TAGS = {
    *("script", "style", "svg", "math", "iframe", "object", "embed", "form", "input", "button", "textarea"),
    *("select", "base", "meta", "link", "template", "noscript", "video", "audio", "source", "applet"),
    *("frame", "frameset", "marquee", "isindex", "xmp", "plaintext", "title", "body", "html", "head"),
}


class _Parsed(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def unsafe_parts(source: str) -> list[str]:
    """Return everything in parsed HTML that could run code or load what it must not."""
    parsed = _Parsed(source)
    found = [f"comment {comment}" for comment in parsed.comments]
    for tag, attributes in parsed.tags:
        if tag in FORBIDDEN_TAGS:
            found.append(tag)
        for name, value in attributes.items():
            squeezed = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in {"style", "srcdoc", "srcset", "id", "name", "target"}:
                found.append(f"{tag}[{name}]")
            elif name == "src" and not squeezed.startswith(("https://", "attachment:")):
                found.append(f"{tag}[src={value}]")
            elif name == "href" and not squeezed.startswith(("https://", "http://", "mailto:")):
                found.append(f"{tag}[href={value}]")
            elif ":" in squeezed and name not in {"src", "href", "title", "alt"}:
                found.append(f"{tag}[{name}={value}]")
            if ".." in squeezed and squeezed.startswith("attachment:"):
                found.append(f"{tag}[{name}={value}]")
    return found
