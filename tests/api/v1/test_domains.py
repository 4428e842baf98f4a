"""Custom domains over HTTP: an organization's admins on its host, operators on the platform's."""

from collections.abc import Callable, Iterator

import pytest
from django.test import override_settings

from shared_apps.core.actors import Role
from tenants.models import DomainClaim, Organization
from tests.fakes.dns import FakeDns, fake_dns
from tests.support.client import Caller

NAME = "learn.acme.example"


@pytest.fixture
def dns() -> Iterator[FakeDns]:
    with fake_dns() as answers, override_settings(DNS_RESOLVERS=[answers.address]):
        yield answers


@pytest.mark.feature("TEN-06")
def test_an_admin_claims_proves_chooses_and_removes_a_domain(
    acme: Organization, sign_in: Callable[..., Caller], dns: FakeDns
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    made = admin.post("/api/v1/domains", {"domain": "Learn.Acme.example."})
    assert made.status_code == 201
    claim = made.json()
    address = f"/api/v1/domains/{claim['id']}"
    assert made["Location"] == address
    assert (claim["domain"], claim["state"], claim["problem"], claim["is_primary"]) == (
        NAME,
        "waiting",
        None,
        False,
    )
    txt, cname = claim["records"]
    assert (txt["type"], txt["name"]) == ("TXT", f"_palaestra-challenge.{NAME}")
    assert cname == {"type": "CNAME", "name": NAME, "value": "app.palaestra.test"}
    assert admin.post("/api/v1/domains", {"domain": NAME}).json()["id"] == claim["id"]

    early = admin.post(f"{address}/make-primary")
    assert (early.status_code, early.json()["code"]) == (409, "domain_not_proven")
    checked = admin.post(f"{address}/check")
    assert (checked.status_code, checked.json()["problem"]) == (200, "dns_record_missing")
    again = admin.post(f"{address}/check")
    assert (again.status_code, again.json()["code"]) == (429, "domain_checked_just_now")
    assert 1 <= int(again["Retry-After"]) <= 10

    DomainClaim.objects.update(checked_at=None)
    dns.texts[txt["name"]] = [txt["value"]]
    proven = admin.post(f"{address}/check").json()
    assert (proven["state"], proven["problem"]) == ("proven", None)
    assert admin.post(f"{address}/make-primary").json()["is_primary"] is True
    assert admin.get("/api/v1/organization").json()["host"] == NAME
    assert [row["domain"] for row in admin.get("/api/v1/domains").json()] == [NAME]
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404
    assert admin.get("/api/v1/organization").json()["host"] == "acme.palaestra.test"


@pytest.mark.feature("TEN-06")
def test_operators_do_the_same_for_any_organization_and_within_it_only(
    acme: Organization, globex: Organization, operator: Caller, dns: FakeDns
) -> None:
    ours, theirs = (f"/api/v1/organizations/{each.id}/domains" for each in (acme, globex))
    made = operator.post(ours, {"domain": NAME})
    assert made["Location"] == f"{ours}/{made.json()['id']}"
    one = made.json()["id"]
    for method, path in (
        ("get", f"{theirs}/{one}"),
        ("delete", f"{theirs}/{one}"),
        ("post", f"{theirs}/{one}/check"),
        ("post", f"{theirs}/{one}/make-primary"),
    ):
        assert getattr(operator, method)(path).status_code == 404, path
    assert [row["id"] for row in operator.get(ours).json()] == [one]
    assert operator.get(theirs).json() == []
    assert operator.post(f"{ours}/{one}/check").json()["problem"] == "dns_record_missing"
    assert operator.delete(f"{ours}/{one}").status_code == 204


def test_another_organizations_domain_and_token_stay_out_of_sight(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    ours = sign_in(acme, Role.ADMIN).post("/api/v1/domains", {"domain": NAME}).json()
    stranger = sign_in(globex, Role.ADMIN)
    assert stranger.get(f"/api/v1/domains/{ours['id']}").status_code == 404
    assert stranger.delete(f"/api/v1/domains/{ours['id']}").status_code == 404
    assert stranger.get("/api/v1/domains").json() == []
    # Claiming the same name says nothing of the other claim.
    theirs = stranger.post("/api/v1/domains", {"domain": NAME})
    assert theirs.status_code == 201
    assert theirs.json()["records"][0]["value"] != ours["records"][0]["value"]


@pytest.mark.parametrize(
    ("label", "body", "code"),
    [
        ("nothing", {}, "invalid_input"),
        ("a null character", {"domain": "a\x00.example"}, "invalid_input"),
        ("wrong type", {"domain": ["a.example"]}, "invalid_input"),
        ("too long", {"domain": "a" * 254}, "invalid_input"),
        ("ours", {"domain": "x.palaestra.test"}, "domain_malformed"),
    ],
)
def test_names_of_a_wrong_form_are_400(
    label: str, body: dict[str, object], code: str, acme: Organization, sign_in: Callable[..., Caller]
) -> None:
    refused = sign_in(acme, Role.ADMIN).post("/api/v1/domains", body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["errors"][0]["field"] == "domain"


def test_an_organization_has_twenty_domains_at_most(
    acme: Organization, sign_in: Callable[..., Caller]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    DomainClaim.objects.bulk_create(
        DomainClaim(organization=acme, domain=f"a{number}.example", token="t") for number in range(20)
    )
    refused = admin.post("/api/v1/domains", {"domain": NAME})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_domains")
    assert admin.post("/api/v1/domains", {"domain": "a7.example"}).status_code == 201  # has it already
