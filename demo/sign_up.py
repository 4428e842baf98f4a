"""A company signs up by itself: names, mail, payment page, its own host, more seats at the previewed price.

With STRIPE_API_KEY set the same calls go to the real account, and a person pays on the page.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any, NoReturn

import requests

from demo.api import Api, Mailbox, UnexpectedAnswer
from demo.console import headline, note, step, table

SLUG, NAME, OWNER, EMAIL = "initech", "Initech", "Ines Initech", "ines@initech.example"
PLAN, UNIT_MINOR, SEATS, MORE = "growth", 1200, 25, 7
_SECONDS, _SECONDS_FOR_A_PERSON = 60.0, 900.0


class SignUp:
    """One sign-up, seen by whoever makes it: no sign-in, but the sign-up's own secret."""

    def __init__(self, platform: Api, mailbox: Mailbox, *, pays_locally: bool) -> None:
        self.platform, self.mailbox, self.pays_locally = platform, mailbox, pays_locally
        self.id = self.secret = ""

    def begin(self, *, name: str, slug: str, email: str, seats: int) -> Any:
        """Reserve the names."""
        body = {
            "name": name,
            "slug": slug,
            "owner_name": OWNER,
            "email": email,
            "plan": PLAN,
            "interval": "month",
            "currency": "EUR",
            "seats": seats,
            "timezone": "Europe/Berlin",
        }
        made = self.platform.post("/api/v1/sign-ups", body)
        self.id, self.secret = made["id"], made["secret"]
        return made

    def act(self, what: str, body: Any = None) -> Any:
        """Call one act of the sign-up."""
        path = f"/api/v1/sign-ups/{self.id}/{what}"
        return self.platform.post(path, body, expect=200, headers={"Sign-Up-Secret": self.secret})

    def read(self) -> Any:
        """Return how far it is."""
        return self.platform.get(f"/api/v1/sign-ups/{self.id}", headers={"Sign-Up-Secret": self.secret})

    def verify(self, email: str) -> Any:
        """Take the token of the mail."""
        return self.act("verify", {"token": self.mailbox.token_for(email, page="/sign-up")})

    def pay(self, page: str) -> None:
        """Click the page over HTTP: a card that is declined, then one that works."""
        shown = requests.get(page, timeout=20).text
        _ensure(f"{SEATS} × Growth" in shown and "300.00 EUR" in shown, "the page shows another purchase")
        declined = requests.post(page, data={"card": "decline"}, timeout=20).text
        _ensure("Your card was declined." in declined, "a declined card was taken")
        paid = requests.post(page, data={"card": "ok", "country": "DE"}, timeout=20, allow_redirects=False)
        _ensure(paid.status_code == 303, f"the page answered {paid.status_code}")


def sell_a_plan(operator: Api) -> None:
    """The operator puts a plan with a price on sale; it is there once the payment service has it."""
    made = operator.post("/api/v1/plans", {"code": PLAN, "name": "Growth", "max_seats": 500})
    price = {"interval": "month", "currency": "EUR", "unit_minor": UNIT_MINOR}
    operator.post(f"/api/v1/plans/{made['id']}/prices", price)


def sign_up(sign_up: SignUp, operator: Api, host: Callable[[str], Api], password: str) -> None:
    """Tell the chapter, from the price list to the invoice of seats added later."""
    headline("A company signs up by itself and pays by card")
    platform = sign_up.platform
    with step("the operator puts the plan “Growth” on sale: 12.00 EUR a seat and month"):
        sell_a_plan(operator)
        _wait(lambda: [plan for plan in _sold(platform) if plan["code"] == PLAN], "the plan is not on sale")
    with step(
        f"{NAME} reserves http://{SLUG}.localhost:{platform.port} with {SEATS} seats; nobody is signed in"
    ):
        made = sign_up.begin(name=NAME, slug=SLUG, email=EMAIL, seats=SEATS)
        _ensure(
            made["amount"] == {"amount_minor": SEATS * UNIT_MINOR, "currency": "EUR"}, f"{made['amount']}"
        )
        again = SignUp(platform, sign_up.mailbox, pays_locally=True)
        try:
            again.begin(name="Somebody else", slug=SLUG, email="else@initech.example", seats=1)
        except UnexpectedAnswer as refused:
            _ensure("name_not_available" in str(refused), str(refused))
        else:
            _fail("the reserved name was given away")
    with step(f"{EMAIL} follows the link of the mail"):
        sign_up.verify(EMAIL)
    with step("the payment page: a declined card, then one that works"):
        page = sign_up.act("checkout")["checkout_url"]
        note(page)
        if sign_up.pays_locally:
            sign_up.pay(page)
        else:
            note("pay there with a test card; the story goes on by itself")
    with step("the payment service's message, not the browser, sets the organization up"):
        seconds = _SECONDS if sign_up.pays_locally else _SECONDS_FOR_A_PERSON
        _wait(lambda: sign_up.read()["status"] == "ready", "the organization was not set up", seconds=seconds)
    with step(f"{EMAIL} follows the invitation, chooses a password, and is the owner"):
        token = sign_up.mailbox.token_for(EMAIL, page="/accept-invitation")
        body = {"token": token, "password": password, "first_name": "Ines", "last_name": "Initech"}
        host(SLUG).post("/api/v1/invitations/accept", body, expect=200)
        owner = host(SLUG).sign_in(EMAIL, password)
        _ensure(owner.get("/api/v1/seats/summary")["purchased"] == SEATS, "the seats are not those bought")
    add_seats(owner)


def add_seats(owner: Api) -> None:
    """Preview seven more seats, buy them, and hold the invoice against the preview."""
    with step(f"{MORE} more seats: a preview, which nothing is charged for"):
        preview = owner.post("/api/v1/billing/previews", {"seats": SEATS + MORE}, expect=200)
        before = {each["id"] for each in owner.get("/api/v1/billing/invoices")["results"]}
    _print_lines("previewed", preview["lines"], preview["total"])
    with step("confirmed by the preview's token, charged once"):
        owner.post("/api/v1/billing/changes", {"token": preview["token"]})
        _wait(
            lambda: owner.get("/api/v1/seats/summary")["purchased"] == SEATS + MORE,
            "the seats did not arrive",
        )
        found = _wait(
            lambda: [
                each
                for each in owner.get("/api/v1/billing/invoices")["results"]
                if each["id"] not in before and each["status"] == "paid"
            ],
            "there is no paid invoice",
        )
    invoice = owner.get(f"/api/v1/billing/invoices/{found[0]['id']}")
    _print_lines("invoiced", invoice["lines"], invoice["total"])
    with step("the invoice equals the preview to the cent, line by line"):
        _ensure(invoice["total"] == preview["total"], f"{invoice['total']} is not {preview['total']}")
        _ensure(_amounts(invoice) == _amounts(preview), f"{invoice['lines']} is not {preview['lines']}")


def open_a_page(sign_up: SignUp) -> str:
    """Begin another sign-up as far as its payment page, for a person to click; return the page's address."""
    number = secrets.randbelow(9000) + 1000
    email = f"you{number}@hooli.example"
    sign_up.begin(name=f"Hooli {number}", slug=f"hooli-{number}", email=email, seats=10)
    sign_up.verify(email)
    return str(sign_up.act("checkout")["checkout_url"])


def _sold(platform: Api) -> Any:
    found = platform.get("/api/v1/prices")
    return found["results"] if isinstance(found, dict) else found


def _amounts(document: Any) -> list[int]:
    return sorted(line["amount"]["amount_minor"] for line in document["lines"])


def _print_lines(verb: str, lines: list[Any], total: Any) -> None:
    rows = [(verb, line["description"], _shown(line["amount"])) for line in lines]
    table([["   ", *row] for row in [*rows, (verb, "total", _shown(total))]])


def _shown(sum_: Any) -> str:
    return f"{sum_['amount_minor'] / 100:,.2f} {sum_['currency']}"


def _wait(look: Callable[[], Any], problem: str, *, seconds: float = _SECONDS) -> Any:
    ends = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > ends:
            _fail(f"{problem} within {seconds:.0f} s")
        time.sleep(0.2)
    return found


def _ensure(condition: object, message: str) -> None:
    if not condition:
        _fail(message)


def _fail(message: str) -> NoReturn:
    raise UnexpectedAnswer(message)
