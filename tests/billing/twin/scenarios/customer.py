"""Who the customer is: name, address, a tax id; and its own pages."""

from tests.billing.twin.stage import Stage


def play(stage: Stage) -> None:
    address = {"country": "AT", "city": "Wien", "line1": "Ring 1", "postal_code": "1010"}
    stage.gateway.update_customer(
        stage.customer, name="Acme GmbH", email="billing@acme.example", address=address
    )
    for _ in range(2):
        stage.gateway.add_tax_id(stage.customer, kind="eu_vat", value="ATU12345675")
    seen = stage.gateway.look_customer(stage.customer)
    assert (seen.name, seen.email, seen.address["country"]) == ("Acme GmbH", "billing@acme.example", "AT")
    assert [(each.kind, each.value) for each in seen.tax_ids] == [("eu_vat", "ATU12345675")]
    opened = stage.gateway.open_portal(stage.customer, return_url="https://acme.example/billing")
    assert opened.startswith("http")
