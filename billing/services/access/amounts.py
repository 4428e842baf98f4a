"""Amounts for people, at the very edge: everywhere else money is minor units and a currency."""

from billing.money import STRIPE

_USUAL_EXPONENT = 2


def shown_amount(minor: int, currency: str, language: str) -> str:
    """Return the amount as a reader of the language writes it, with the currency's code: "1.299,00 EUR" in
    German, "EUR 1,299.00" in every other.

    Args:
        minor: in minor units of the currency, as the gateway counts them.
    """
    known = STRIPE.get(currency.lower())
    decimals = known.exponent if known is not None else _USUAL_EXPONENT
    whole, rest = divmod(abs(minor), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    digits = f"{'-' if minor < 0 else ''}{whole:,}{fraction}"
    if language[:2] == "de":
        return f"{digits.translate(str.maketrans(',.', '.,'))} {currency.upper()}"
    return f"{currency.upper()} {digits}"
