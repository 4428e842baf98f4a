"""The pages a payer sees: plain forms that a person can click and a test can post to."""

# ruff: noqa: E501  markup reads better unbroken

from html import escape
from typing import Any

from tests.fakes.stripe.operations import checkout
from tests.fakes.stripe.state import Account, Refusal

_STYLE = """
:root{color-scheme:light;--ink:#1c2430;--soft:#667085;--line:#e4e7ec;--accent:#3451d1;--bg:#f6f7f9}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{display:grid;grid-template-columns:1fr 1fr;min-height:100vh}
.order{background:#1b2559;color:#fff;padding:4rem 3rem 2rem 4rem;display:flex;flex-direction:column}
.order>div,.pay>div{width:100%;max-width:25rem}.order>div{margin-left:auto;display:flex;flex-direction:column;flex:1}
.pay{background:#fff;padding:4rem 4rem 2rem 3rem}
.soft{color:var(--soft)}.order .soft{color:#b9c2ee}
h1{font-size:1.05rem;font-weight:500;margin:0 0 .25rem}.big{font-size:2.4rem;font-weight:650;letter-spacing:-.02em;line-height:1.15;margin:0}
h2{font-size:1.1rem;margin:0 0 1.25rem}
.lines{width:100%;border-collapse:collapse;margin:2rem 0}.lines td{padding:.65rem 0;vertical-align:top}
.lines td+td{text-align:right;white-space:nowrap;padding-left:1rem}.lines tr+tr td{border-top:1px solid #ffffff2b}
.lines .soft{display:block;font-size:.875rem}.lines .sum td{font-weight:600}
.order a{color:#dfe4ff}.stand-in{margin-top:auto;font-size:.8rem}
label.field,legend{display:block;font-size:.9rem;font-weight:500;margin:1rem 0 .35rem;padding:0}
input:not([type=radio]){font:inherit;color:inherit;width:100%;padding:.6rem .75rem;border:1px solid #cfd4dc;border-radius:.5rem;background:#fff}
input[readonly]{background:var(--bg);color:var(--soft)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
fieldset{border:0;padding:0;margin:1rem 0 0}legend{margin-top:0}.cards{border:1px solid #cfd4dc;border-radius:.6rem;overflow:hidden}
.cards label{display:flex;gap:.75rem;align-items:center;padding:.75rem .9rem;cursor:pointer}.cards label+label{border-top:1px solid var(--line)}
.cards label:has(:checked){background:#eef1fd}.cards input{accent-color:var(--accent);width:1.05rem;height:1.05rem;flex:none}
.cards b{font-weight:550}.cards span span{display:block;font-size:.85rem}
.two{display:grid;grid-template-columns:6rem 1fr;gap:.75rem}
button{font:inherit;font-weight:600;width:100%;margin-top:1.5rem;padding:.8rem;background:var(--accent);color:#fff;border:0;border-radius:.6rem;cursor:pointer}
button:hover{background:#2a42b4}.bad{background:#fdecec;color:#9b1c1c;border:1px solid #f3b8b8;border-radius:.6rem;padding:.75rem .9rem;margin:0 0 1rem}
.card{max-width:34rem;margin:4rem auto;background:#fff;border:1px solid var(--line);border-radius:.9rem;padding:2rem}
.card .lines tr+tr td{border-color:var(--line)}.card .lines{margin:1rem 0}
@media(max-width:52rem){main{grid-template-columns:1fr;min-height:0}.order,.pay{padding:2rem 1.25rem}
.order>div{margin:0}.order>div,.pay>div{max-width:none}.stand-in{margin-top:1rem}.lines{margin:1.25rem 0}}
"""
_FRAME = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>{style}</style><body>{body}</body></html>"
)
_CHECKOUT = """<main><section class="order"><div>
<h1>{heading}</h1><p class="big">{due}</p><p class="soft">{then}</p>
<table class="lines"><tr><td>{quantity} × {name}<span class="soft">{unit} a seat, {rhythm}</span></td><td>{amount}</td></tr>{more}
<tr class="sum"><td>Due today</td><td>{due}</td></tr></table>
<p><a href="{cancel}">← Back without subscribing</a></p>
<p class="stand-in soft">A stand-in for Stripe's page, for demos and tests. No real card, no money.</p>
</div></section><section class="pay"><div><h2>{title}</h2>{problem}
<form method="post"><label class="field" for="email">E-mail</label><input id="email" name="email" type="email" value="{email}" {readonly}>
<fieldset><legend>Card</legend><div class="cards">
<label><input type="radio" name="card" value="ok" checked><span><b>4242 4242 4242 4242</b><span class="soft">works: it is charged</span></span></label>
<label><input type="radio" name="card" value="decline"><span><b>4000 0000 0000 0002</b><span class="soft">declined by its bank</span></span></label>
<label><input type="radio" name="card" value="bank"><span><b>Bank debit</b><span class="soft">confirmed days later</span></span></label>{no_card}
</div></fieldset>
<div class="two"><div><label class="field" for="country">Country</label><input id="country" name="country" value="DE" maxlength="2"></div>
<div><label class="field" for="tax_id">VAT id (optional)</label><input id="tax_id" name="tax_id" placeholder="DE123456789"></div></div>{code}
<button>{button}</button></form></div></section></main>"""
_NO_CARD = (
    '<label><input type="radio" name="card" value=""><span><b>No card yet</b>'
    '<span class="soft">the trial begins all the same</span></span></label>'
)
_CODE = '<label class="field" for="code">Promotion code</label><input id="code" name="promotion_code">'
_OVER = '<div class="card"><h1>This page is {status}</h1><p class="soft">Nothing can be paid on it any more.</p></div>'


def show_checkout(account: Account, session_id: str, problem: str = "") -> str:
    """Return the page of a session."""
    session = account.find("checkout.session", session_id)
    if session["status"] != "open":
        return _frame("Subscribe", _OVER.format(status=escape(session["status"])))
    wish = account.wishes[session_id]
    price, quantity = wish["price"], wish["quantity"]
    name = account.objects["product"].get(price["product"], {}).get("name", price["id"])
    customer = account.objects["customer"].get(session["customer"] or "", {})
    email = session["customer_email"] or customer.get("email") or ""
    trial = wish["data"].get("trial_period_days", 0)
    total = session["amount_total"]
    due = _money(0 if trial else total, session["currency"])
    rhythm = _rhythm(price)
    body = _CHECKOUT.format(
        heading=f"Subscribe to {escape(name)}",
        title="Start your trial" if trial else "Pay with card",
        due=due,
        then=f"{trial} days free, then {_money(total, session['currency'])} {rhythm}"
        if trial
        else f"then the same {rhythm}",
        name=escape(name),
        quantity=quantity,
        unit=_money(price["unit_amount"], price["currency"]),
        rhythm=rhythm,
        amount=_money(total, session["currency"]),
        more=f"<tr><td>Trial of {trial} days</td><td>{_money(-total, session['currency'])}</td></tr>"
        if trial
        else "",
        cancel=escape(session["cancel_url"] or "#"),
        email=escape(email),
        readonly="readonly" if session["customer"] else "",
        problem=f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else "",
        no_card=_NO_CARD if trial and session["payment_method_collection"] == "if_required" else "",
        code=_CODE if session["allow_promotion_codes"] else "",
        button="Start trial" if trial else f"Subscribe and pay {due}",
    )
    return _frame(f"Subscribe to {name}", body)


def submit_checkout(account: Account, session_id: str, facts: dict[str, str]) -> tuple[str, str]:
    """Return the address to go to after paying, or the page again with what is wrong."""
    try:
        session = checkout.pay(account, session_id, {k: v for k, v in facts.items() if v})
    except Refusal as error:
        return "", show_checkout(account, session_id, str(error))
    return str(session["success_url"] or "").replace("{CHECKOUT_SESSION_ID}", session_id), ""


def show_invoice(account: Account, invoice_id: str) -> str:
    """Return an invoice as a page."""
    invoice = account.find("invoice", invoice_id)
    rows = [(line["description"], line["amount"]) for line in invoice["lines"]["data"]]
    rows += [("Discount", -each["amount"]) for each in invoice["total_discount_amounts"] or []]
    rows += [("Tax", each["amount"]) for each in invoice["total_taxes"] or []]
    rows += [("Total", invoice["total"]), ("Due", invoice["amount_due"])]
    return _frame_of_rows(f"Invoice {invoice['number']}", rows, invoice["currency"])


def show_portal(account: Account, session_id: str) -> str:
    """Return the customer portal: the customer's invoices."""
    session = account.find("billing_portal.session", session_id)
    invoices = account.all("invoice", customer=session["customer"])
    rows = [(f"{invoice['number']} ({invoice['status']})", invoice["total"]) for invoice in invoices]
    return _frame_of_rows("Your invoices", rows, invoices[0]["currency"] if invoices else "eur")


def _frame_of_rows(title: str, rows: list[tuple[Any, int]], currency: str) -> str:
    cells = "".join(
        f"<tr><td>{escape(str(words))}</td><td>{_money(amount, currency)}</td></tr>" for words, amount in rows
    )
    return _frame(
        title, f'<div class="card"><h2>{escape(title)}</h2><table class="lines">{cells}</table></div>'
    )


def _frame(title: str, body: str) -> str:
    return _FRAME.format(title=escape(title), style=_STYLE, body=body)


def _money(minor: int, currency: str) -> str:
    return f"{minor / 100:,.2f} {currency.upper()}"


def _rhythm(price: dict[str, Any]) -> str:
    recurring = price["recurring"]
    if recurring["interval_count"] == 1:
        return f"every {recurring['interval']}"
    return f"every {recurring['interval_count']} {recurring['interval']}s"
