"""Shapes of the organization as a customer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.parsing import COUNTRIES
from billing.selectors.purchases import AccountView

ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")


class AddressIn(serializers.Serializer[Any]):
    """A postal address."""

    line1 = serializers.CharField(max_length=200, required=False, allow_blank=True)
    line2 = serializers.CharField(max_length=200, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True)
    state = serializers.CharField(max_length=100, required=False, allow_blank=True)
    country = serializers.CharField(min_length=2, max_length=2, help_text="ISO 3166, two capital letters.")

    def validate_country(self, value: str) -> str:
        """Refuse letters that are no country."""
        if value not in COUNTRIES:
            raise serializers.ValidationError("There is no such country.", code="country_unknown")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an address of nowhere: taxes are reckoned by the country. A PATCH asks for no member of it
        by itself, since it is partial down to the last."""
        if "country" not in attrs:
            raise serializers.ValidationError({"country": "Name the country."}, code="required")
        return attrs


class AccountChanges(serializers.Serializer[Any]):
    """What invoices say; the address is replaced as a whole."""

    name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254)
    address = AddressIn()


class AddressOut(serializers.Serializer[Any]):
    """A postal address; parts that nobody gave are empty."""

    line1 = serializers.CharField(allow_blank=True)
    line2 = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    state = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)


class TaxIdOut(serializers.Serializer[Any]):
    """A tax id, and what the gateway found out about it."""

    id = serializers.UUIDField()
    type = serializers.CharField(source="kind")
    value = serializers.CharField()
    verification = serializers.CharField(
        allow_blank=True, help_text="`pending`, `verified`, `unverified` or `unavailable`."
    )


class AccountOut(serializers.Serializer[AccountView]):
    """The organization as its invoices name it."""

    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField()
    address = serializers.SerializerMethodField()
    tax_ids = TaxIdOut(many=True)
    currency = serializers.CharField(
        allow_blank=True, help_text="In which all is paid; empty before the first purchase."
    )
    credit = serializers.SerializerMethodField(help_text="What lowers the next invoices.")
    has_payment_method = serializers.BooleanField()
    trial_used = serializers.BooleanField()

    @extend_schema_field(AddressOut)
    def get_address(self, account: AccountView) -> dict[str, str]:
        """Return the address with all its parts."""
        return {name: account.address.get(name, "") for name in ADDRESS}

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_credit(self, account: AccountView) -> dict[str, Any] | None:
        """Return the credit, null before there is a currency."""
        return money(account.credit_minor, account.currency) if account.currency else None


class TaxIdIn(serializers.Serializer[Any]):
    """A tax id."""

    type = serializers.RegexField(
        r"^[a-z]{2}_[a-z_]{2,12}$", max_length=15, help_text="`eu_vat`, `gb_vat`, `us_ein`, `in_gst` ..."
    )
    value = serializers.CharField(max_length=40)


class PortalIn(serializers.Serializer[Any]):
    """Where the pages lead back to."""

    return_url = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)


class PortalOut(serializers.Serializer[Any]):
    """A short-lived address."""

    url = serializers.CharField(help_text="For the browser of the caller, now; it dies within minutes.")
