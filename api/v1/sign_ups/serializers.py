"""Shapes of the sign-ups slice."""

from typing import Any

from rest_framework import serializers

from api.core.money import MoneyOut
from billing.enums import Interval
from shared_apps.onboarding.enums import NextStep, SignUpStatus

_MOST_SEATS = 1_000_000


class CurrencyField(serializers.RegexField):
    """ISO 4217, any case; kept in lower case."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z]{3}\Z", max_length=3, help_text="ISO 4217: EUR.", **options)

    def to_internal_value(self, data: Any) -> str:
        """Return it in lower case."""
        return str(super().to_internal_value(data)).lower()


class WishIn(serializers.Serializer[Any]):
    """What is bought."""

    plan = serializers.CharField(max_length=40, help_text="Code of a plan that `GET /prices` lists.")
    interval = serializers.ChoiceField(choices=Interval.choices)
    currency = CurrencyField()
    seats = serializers.IntegerField(min_value=1, max_value=_MOST_SEATS)
    card_later = serializers.BooleanField(
        required=False, default=False, help_text="Begin the trial without a card, where the plan has a trial."
    )


class SignUpIn(WishIn):
    """A company that signs itself up."""

    name = serializers.CharField(max_length=200, help_text="Of the organization.")
    slug = serializers.CharField(max_length=63, help_text="Subdomain.")
    owner_name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254, help_text="Of the owner.")
    timezone = serializers.CharField(max_length=64, required=False, default="UTC", help_text="IANA name.")
    language = serializers.RegexField(
        r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z", max_length=12, required=False, default="en"
    )


class VerifyIn(serializers.Serializer[Any]):
    """The token of the mail."""

    token = serializers.CharField(max_length=200)


class CheckoutIn(WishIn):
    """What is bought after all; what is left out stays as it was."""

    plan = serializers.CharField(max_length=40, required=False)
    interval = serializers.ChoiceField(choices=Interval.choices, required=False)
    currency = CurrencyField(required=False)
    seats = serializers.IntegerField(min_value=1, max_value=_MOST_SEATS, required=False)
    card_later = serializers.BooleanField(required=False)


class SignUpOut(serializers.Serializer[Any]):
    """How far a sign-up is."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SignUpStatus.choices)
    next_step = serializers.ChoiceField(choices=[each.value for each in NextStep])
    name = serializers.CharField()
    slug = serializers.CharField()
    host = serializers.CharField(help_text="Of the organization; it answers once the status is `ready`.")
    url = serializers.CharField(
        allow_null=True, help_text="Of the organization's own host, once the status is `ready`."
    )
    email = serializers.CharField()
    plan = serializers.CharField()
    interval = serializers.ChoiceField(choices=Interval.choices)
    seats = serializers.IntegerField()
    unit_price = MoneyOut(
        allow_null=True,
        help_text="For a seat and period, before tax on top; null when it is not sold any more.",
    )
    amount = MoneyOut(allow_null=True, help_text="For all seats and a period, before tax on top.")
    trial_days = serializers.IntegerField(
        allow_null=True, help_text="Days before anything is paid. Null until the address is verified."
    )
    card_later = serializers.BooleanField()
    checkout_url = serializers.CharField(allow_null=True, help_text="The page to pay on, while it is open.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then the names are held; null once it is paid or over."
    )


class NewSignUpOut(SignUpOut):
    """A new sign-up, or one that somebody came to by its mail."""

    secret = serializers.CharField(
        allow_null=True,
        help_text="Goes into the header `Sign-Up-Secret` of the calls that follow. Shown only here; null "
        "where the caller has the one that is valid.",
    )
