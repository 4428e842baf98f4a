"""Sums in answers."""

from typing import Any

from rest_framework import serializers


class MoneyOut(serializers.Serializer[Any]):
    """A sum: whole minor units (cents) of a currency."""

    amount_minor = serializers.IntegerField(help_text="In the currency's smallest unit: 1299 is 12.99 EUR.")
    currency = serializers.CharField(max_length=3, help_text="ISO 4217, upper case.")


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """Return a sum as answers have it. `currency` in any case."""
    return {"amount_minor": amount_minor, "currency": currency.upper()}
