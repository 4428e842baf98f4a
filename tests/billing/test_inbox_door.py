"""The door of Stripe's messages: raw bytes verified before anything else, kept once, nothing more."""

import http.client
import json
import time
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import GatewayEvent
from billing.services.gateway.signatures import count_refused_signatures
from tests.billing.conftest import Account, deliver, events_of
from tests.fakes.stripe.webhooks import encode
from tests.support.server import serving

HOST = {"host": "app.palaestra.test"}


def signed(body: bytes, *, secret: str = "whsec_test", at: int | None = None) -> str:  # noqa: S107
    moment = int(time.time()) if at is None else at
    return str(
        stripe.WebhookSignature.generate_signature_header(
            body.decode("utf-8", "replace"), secret, timestamp=moment
        )
    )


def post(body: bytes, signature: str | None) -> Any:
    headers = HOST if signature is None else {**HOST, "stripe-signature": signature}
    return Client().post("/api/webhooks/stripe", data=body, content_type="application/json", headers=headers)


def an_event(account: Account) -> dict[str, Any]:
    account.subscribe()
    return events_of(account.server)[-1]


@pytest.mark.feature("PAY-07")
@pytest.mark.parametrize(
    "how",
    ["none", "empty", "other secret", "old", "future", "no time", "words", "not ascii", "v0", "reordered"],
)
def test_a_message_that_stripe_did_not_sign_leaves_nothing_but_a_count(account: Account, how: str) -> None:
    event = an_event(account)
    body, now = encode(event), int(time.time())
    good = signed(body)
    signature = {
        "none": None,
        "empty": "",
        "other secret": signed(body, secret="whsec_other"),
        "old": signed(body, at=now - 301),
        "future": signed(body, at=now + 120),
        "no time": good.partition(",")[2],
        "words": "t=yesterday,v1=good",
        "not ascii": f"t={now},v1=schlüssel",
        "v0": good.replace("v1=", "v0="),
        "reordered": good,
    }[how]
    if how == "reordered":  # the same JSON, written anew
        body = json.dumps(event, indent=1).encode()
    answer = post(body, signature)
    assert (answer.status_code, answer.json()["code"]) == (400, "signature_refused")
    assert answer["Content-Type"] == "application/problem+json"
    assert not GatewayEvent.objects.exists()
    assert count_refused_signatures() == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"null",
        b'{"object":"event"}',
        b'{"id":"evt_1","type":"x"}',
        b"\xff\xfe",
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(account: Account, body: bytes) -> None:
    answer = post(body, signed(body))
    assert (answer.status_code, answer.json()["code"]) == (400, "signature_refused")
    assert not GatewayEvent.objects.exists()


def test_both_secrets_are_good_while_one_replaces_the_other(account: Account, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_test"]
    event = an_event(account)
    body = encode(event)
    assert post(body, signed(body)).status_code == 200
    assert post(body, signed(body, secret="whsec_new")).status_code == 200
    # Stripe signs with both while it rolls: one of them is enough.
    both = f"{signed(body, secret='whsec_unknown')},{signed(body).partition(',')[2]}"
    assert post(body, both).status_code == 200
    assert GatewayEvent.objects.count() == 1
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new"]
    assert post(body, signed(body)).status_code == 400


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_there_is_no_door_and_nothing_is_verified(
    account: Account, settings: Any, secrets: list[str]
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = secrets
    event = an_event(account)
    body = encode(event)
    for signature in (signed(body), signed(body, secret="whsec_other"), None):
        assert post(body, signature).status_code == 404
    assert Client().get("/api/webhooks/stripe", headers=HOST).status_code == 404
    assert not GatewayEvent.objects.exists()


def test_only_posts_are_taken(account: Account) -> None:
    for method in ("get", "put", "delete", "patch"):
        answer = getattr(Client(), method)("/api/webhooks/stripe", headers=HOST)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_the_door_is_on_the_platforms_host_alone(account: Account, settings: Any) -> None:
    event = an_event(account)
    body = encode(event)
    answer = Client().post(
        "/api/webhooks/stripe",
        data=body,
        content_type="application/json",
        headers={"host": "acme.palaestra.test", "stripe-signature": signed(body)},
    )
    assert answer.status_code == 404


def test_a_message_of_more_than_a_megabyte_is_not_read(account: Account) -> None:
    body = b'{"x":"' + b"a" * 1_048_576 + b'"}'
    answer = post(body, signed(body))
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_large")


@pytest.mark.feature("PAY-08")
def test_the_same_message_five_times_is_one_line(account: Account) -> None:
    event = an_event(account)
    assert [deliver(account.server, event).status_code for _ in range(5)] == [200] * 5
    assert GatewayEvent.objects.count() == 1


def test_a_new_message_and_a_known_one_cost_one_statement_each(account: Account) -> None:
    event = an_event(account)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as seen:
            deliver(account.server, event)
        counts.append(
            [
                query["sql"].strip().split()[0]
                for query in seen.captured_queries
                if "billing_gatewayevent" in query["sql"] or query["sql"].startswith("SELECT")
            ]
        )
    assert counts == [["INSERT"], ["INSERT"], ["INSERT"]]


def test_kinds_that_nobody_follows_are_kept_and_ignored(account: Account) -> None:
    event = an_event(account)
    for kind, about in (("product.created", {"id": "prod_1"}), ("invoice.upcoming", {})):
        strange = {**event, "id": f"evt_{kind}", "type": kind, "data": {"object": about}}
        assert deliver(account.server, strange).status_code == 200
    rows = GatewayEvent.objects.order_by("kind").values_list("kind", "object_ref", "state")
    assert list(rows) == [("invoice.upcoming", "", "ignored"), ("product.created", "prod_1", "ignored")]


def test_real_server_refuses_what_is_too_long_or_has_no_length(committed: None, settings: Any) -> None:
    """Chunked bodies have no length; the door reads nothing of them."""
    body = b'{"x":"' + b"a" * 1_100_000 + b'"}'
    with serving(STRIPE_API_KEY="sk_test", STRIPE_WEBHOOK_SECRETS="whsec_test") as server:
        for headers, payload in (
            ({}, body),
            ({"Transfer-Encoding": "chunked"}, iter([body])),
            ({"Transfer-Encoding": "chunked"}, iter([b"{}"])),
        ):
            way = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            try:
                way.request(
                    "POST",
                    "/api/webhooks/stripe",
                    body=payload,
                    headers={
                        "Host": "app.palaestra.test",
                        "Stripe-Signature": signed(b"{}"),
                        **headers,
                    },
                    encode_chunked=bool(headers),
                )
                answer = way.getresponse()
                assert answer.status in {400, 413}
                assert answer.getheader("Content-Type") == "application/problem+json"
            finally:
                way.close()
    assert not GatewayEvent.objects.exists()
