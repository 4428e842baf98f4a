"""Currencies that are sold in, as the gateway wants their amounts. One table: libraries and gateways disagree
on how many digits a currency has and what the least charge is."""

from dataclasses import dataclass

from billing.errors import AmountNotChargeable, CurrencyUnknown


@dataclass(frozen=True, slots=True)
class Currency:
    """How amounts of one currency are sent to the gateway.

    Attributes:
        exponent: digits after the point; an amount of 100 is 1.00 with 2, and 100 with 0.
        step: what every amount is a multiple of; three-digit currencies must end in 0 there.
        minimum: least charge, in minor units; a charge of nothing is no charge.
    """

    exponent: int
    step: int
    minimum: int


# Minimums as the gateway publishes them; where it names none, half a dollar's worth with room for the rate.
STRIPE: dict[str, Currency] = {
    "usd": Currency(2, 1, 50),
    "eur": Currency(2, 1, 50),
    "gbp": Currency(2, 1, 30),
    "inr": Currency(2, 1, 50_00),
    "ngn": Currency(2, 1, 1_000_00),
    "jpy": Currency(0, 1, 50),
    "bhd": Currency(3, 10, 250),
}
# The gateway takes eight digits for one amount.
MOST_MINOR = 99_999_999


def check_price(currency: str, unit_minor: int, *, least_seats: int) -> None:
    """Refuse a price that the gateway could not charge.

    Args:
        currency: lower case.
        unit_minor: price of one seat, in minor units; 0 for a plan that costs nothing.
        least_seats: the smallest number of seats it is sold with.

    Raises:
        CurrencyUnknown: it is not in the table.
        AmountNotChargeable: facts `step`, `minimum` of a whole charge, `most`.
    """
    rules = STRIPE.get(currency)
    if rules is None:
        raise CurrencyUnknown(field="currency", known=sorted(code.upper() for code in STRIPE))
    charged = unit_minor * least_seats
    if unit_minor and (
        unit_minor % rules.step or charged < rules.minimum or not 0 < unit_minor <= MOST_MINOR
    ):
        raise AmountNotChargeable(
            field="unit_minor", step=rules.step, minimum=rules.minimum, most=MOST_MINOR, asked=unit_minor
        )
