"""The pages a payer sees: plain forms that a person can click and a test can post to."""

from html import escape
from typing import Any

from tests.fakes.stripe.operations import checkout
from tests.fakes.stripe.state import Account, Refusal

_FRAME = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}}
h1{{font-size:1.3rem}}table{{width:100%;border-collapse:collapse}}td{{padding:.3rem 0}}
td+td{{text-align:right}}label{{display:block;margin:.8rem 0 .2rem}}
input,select,button{{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}}
button{{margin-top:1.2rem;background:#4f46e5;color:#fff;border:0;border-radius:.4rem}}
.note{{color:#666;font-size:.85rem}}.bad{{color:#b91c1c}}</style><body>{body}</body></html>"""

_CHECKOUT = """<h1>Subscribe</h1>
<table><tr><td>{quantity} × {name}</td><td>{amount}</td></tr></table>{problem}
<form method="post"><label for="email">E-mail</label><input id="email" name="email" value="{email}">
<label for="card">Card</label><select id="card" name="card"><option value="ok">4242: is charged</option>
<option value="decline">0002: is declined</option>
<option value="bank">Bank debit: confirmed later</option></select>
<label for="country">Country</label><input id="country" name="country" value="DE" maxlength="2">
<label for="tax_id">VAT id (optional)</label><input id="tax_id" name="tax_id">{code}
<button>Subscribe</button></form><p class="note">A stand-in for Stripe's page. No real card, no money.</p>"""


def show_checkout(account: Account, session_id: str, problem: str = "") -> str:
    """Return the page of a session."""
    session = account.find("checkout.session", session_id)
    wish = account.wishes[session_id]
    price = wish["price"]
    name = account.objects["product"].get(price["product"], {}).get("name", price["id"])
    code = ""
    if session["allow_promotion_codes"]:
        code = '<label for="code">Promotion code</label><input id="code" name="promotion_code">'
    body = _CHECKOUT.format(
        quantity=wish["quantity"],
        name=escape(name),
        amount=f"{session['amount_total'] / 100:,.2f} {session['currency'].upper()}",
        email=escape(session["customer_email"] or ""),
        problem=f'<p class="bad">{escape(problem)}</p>' if problem else "",
        code=code,
    )
    return _FRAME.format(title="Subscribe", body=body)


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
    rows = [
        (f"{invoice['number']} ({invoice['status']})", invoice["total"])
        for invoice in account.all("invoice", customer=session["customer"])
    ]
    return _frame_of_rows("Your invoices", rows, "eur")


def _frame_of_rows(title: str, rows: list[tuple[Any, int]], currency: str) -> str:
    cells = "".join(
        f"<tr><td>{escape(str(words))}</td><td>{amount / 100:,.2f} {currency.upper()}</td></tr>"
        for words, amount in rows
    )
    return _FRAME.format(title=escape(title), body=f"<h1>{escape(title)}</h1><table>{cells}</table>")
