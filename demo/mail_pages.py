"""The pages of the mail catcher. Everything from a mail is escaped; its HTML is only ever shown in a sandbox."""

# ruff: noqa: E501  markup reads better unbroken
from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Protocol

_STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#667085;--line:#e4e7ec;--accent:#3451d1}
@media(prefers-color-scheme:dark){:root{--bg:#11151c;--card:#1a202a;--ink:#e8ecf2;--soft:#98a2b3;--line:#2b3340;
--accent:#8ea2ff}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}a{color:var(--accent)}
header{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;margin-bottom:1rem}h1{font-size:1.25rem;margin:0}
form{margin-left:auto;display:flex;gap:.5rem}input,button{font:inherit;color:inherit;background:var(--card);
border:1px solid var(--line);border-radius:.5rem;padding:.4rem .7rem}input{width:17rem;max-width:60vw}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;overflow:hidden}
.row{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr) auto;gap:1rem;padding:.65rem 1rem;
border-top:1px solid var(--line);color:inherit;text-decoration:none}.row:first-child{border-top:0}
.row:hover,.row:focus-visible{background:color-mix(in srgb,var(--accent) 8%,transparent)}
.row span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.soft,time{color:var(--soft)}
.subject{font-weight:600}.empty{padding:3rem 1rem;text-align:center;color:var(--soft)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0;padding:1rem}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}pre{margin:0;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere;
font:14px/1.6 ui-monospace,monospace;border-top:1px solid var(--line)}h2{font-size:1rem;margin:1.5rem 0 .5rem}
iframe{display:block;width:100%;height:32rem;border:0;background:#fff}
@media(max-width:40rem){.row{grid-template-columns:minmax(0,1fr) auto}.row .subject{grid-column:1/-1;grid-row:2}}
"""
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


class ShownMail(Protocol):
    """What the pages need of a mail."""

    @property
    def id(self) -> int: ...
    @property
    def received(self) -> float: ...
    @property
    def sender(self) -> str: ...
    @property
    def recipients(self) -> list[str]: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...


def list_page(mails: Sequence[ShownMail], *, count: int, to: str) -> str:
    """The newest mails, narrowed to recipients containing `to`; `count` is how many match in all."""
    rows = "".join(
        f'<a class="row" href="/messages/{mail.id}"><span>{escape(", ".join(mail.recipients))}</span>'
        f'<span class="subject">{escape(mail.subject) or "(no subject)"}</span>{_time(mail.received)}</a>'
        for mail in mails
    )
    nothing = "No mail to such an address." if to else "No mail yet. Whatever the product sends appears here."
    shown = f"{count:,} mails" if count == len(mails) else f"newest {len(mails)} of {count:,} mails"
    return _page(
        "Mail catcher",
        f'<header><h1>Mail catcher</h1><span class="soft">{shown}</span>'
        f'<form method="get" action="/" role="search"><input type="search" name="to" value="{escape(to)}" '
        'placeholder="Recipient contains ..." aria-label="Recipient contains"><button>Search</button></form></header>'
        f'<section class="card">{rows or f"<div class=empty>{nothing}</div>"}</section>',
    )


def message_page(mail: ShownMail) -> str:
    """One mail: who, when, its text with links that work, and its HTML in a sandboxed frame."""
    html = (
        f'<h2>HTML part</h2><div class="card"><iframe title="HTML part of the mail" src="/messages/{mail.id}/html" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe></div>'
        if mail.html
        else ""
    )
    return _page(
        mail.subject or "(no subject)",
        f'<header><a href="/">All mails</a><h1>{escape(mail.subject) or "(no subject)"}</h1></header>'
        f'<section class="card"><dl><dt>From</dt><dd>{escape(mail.sender)}</dd>'
        f"<dt>To</dt><dd>{escape(', '.join(mail.recipients))}</dd><dt>Received</dt><dd>{_time(mail.received)}</dd></dl>"
        f"<pre>{_linked(mail.text) or '(no text part)'}</pre></section>{html}",
    )


def sign_up_page(sign_up_id: str, *, is_paid: bool) -> str:
    """What stands where a front end has its page for signing up: what to do next."""
    if is_paid:
        text = (
            "The payment page says that it is done. The organization is set up when the payment service's own message "
            'arrives, a moment later; its owner then finds an invitation <a href="/">in the mail</a>.'
        )
    else:
        text = (
            "A front end would go on with the sign-up here, by <code>POST /api/v1/sign-ups/"
            f"{escape(sign_up_id)}/verify</code> with the token of the mail, then "
            "<code>…/checkout</code> for the page to pay on."
        )
    return _page(
        "Sign-up",
        f'<header><h1>Sign-up</h1></header><section class="card"><div class="empty">{text}</div></section>',
    )


def framed_html(html: str) -> str:
    """The mail's own HTML; its links open in a new tab, since the frame may not navigate the page."""
    return f'<!doctype html><meta charset="utf-8"><base target="_blank">{html}'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style>'
        f"<main>{body}</main></html>"
    )


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat()}">{moment:%d %b %H:%M:%S} UTC</time>'


def _linked(text: str) -> str:
    """Escaped text in which web addresses are links."""
    parts, end = [], 0
    for match in _LINK.finditer(text):
        address = escape(match.group())
        parts += [
            escape(text[end : match.start()]),
            f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>',
        ]
        end = match.end()
    return "".join([*parts, escape(text[end:])])
