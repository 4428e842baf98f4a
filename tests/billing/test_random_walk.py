"""Ten thousand acts on several organizations: after each, ledger, seats and the gateway agree."""

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from stripe._http_client import HTTPClient

from billing.models import SeatStatement, Subscription, SubscriptionChange
from billing.services.gateway.reconcile import reconcile
from billing.services.seats.statements import make_statements
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.core.errors import DomainError
from tenants.context import in_public
from tenants.models import Organization
from tenants.services.organizations import do_create_organization
from tests.billing.conftest import Account
from tests.billing.walk.acts import ACTS, subscribe
from tests.billing.walk.checks import Checks
from tests.billing.walk.world import Party, World
from tests.fakes.stripe import StripeServer
from tests.support.seed import make_member

STEPS = int(os.environ.get("PALAESTRA_WALK_STEPS", "10000"))
SEED = int(os.environ.get("PALAESTRA_WALK_SEED", "4"))
PEOPLE, INVITED = 30, 8


def _party(organization: Organization) -> Party:
    def people(name: str, number: int, status: MembershipStatus) -> list[Membership]:
        emails = [f"{name}{each}@{organization.slug}.example" for each in range(number)]
        made = [make_member(organization, email=email, status=status).membership_id for email in emails]
        return list(Membership.objects.filter(id__in=made).order_by("id"))

    with in_public():
        return Party(
            organization,
            people("walker", PEOPLE, MembershipStatus.ACTIVE),
            people("guest", INVITED, MembershipStatus.INVITED),
        )


@pytest.mark.feature("SEA-01", "M03", "P02")
@pytest.mark.feature("SEA-02")
@pytest.mark.feature("SUB-08")
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ledger_seats_and_gateway_agree_at_every_step(
    committed: None,
    server: StripeServer,
    account_of: Callable[[Organization], Account],
    acme: Organization,
    globex: Organization,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The library's waiting between tries is not what is tried here.
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.0)
    monkeypatch.setattr(HTTPClient, "MAX_DELAY", 0.0)
    _commit_without_waiting()
    world = World(server, account_of(acme).gateway, SEED)
    for organization in (acme, globex, *_more("initech", "umbrella")):
        world.enter(_party(organization))
    with world.moment():
        for party in world.parties:
            subscribe(world, party)
    checks = Checks(world)
    acts, weights = zip(*ACTS, strict=True)
    step, name = 0, ""
    try:
        for step in range(1, STEPS + 1):
            act, party = world.random.choices(acts, weights)[0], world.random.choice(world.parties)
            name = f"{act.__name__} of {party.organization.slug}"
            world.pass_time(timedelta(seconds=world.random.randint(1, 600)))
            with world.moment():
                try:
                    came_about = act(world, party)
                except DomainError as error:
                    world.done[f"refused: {error.code}"] += 1
                else:
                    world.done[act.__name__] += came_about
            world.deliver()
            checks.each_step()
            if step % 100 == 0:
                checks.in_full()
            if step % 500 == 0:
                world.settle()
        _end_well(world, checks)
    except BaseException as error:
        error.add_note(f"random walk: seed {SEED}, step {step}, {name}; so far {dict(world.done)}")
        raise
    never = [act.__name__ for act in acts if not world.done[act.__name__]]
    # A seed may miss what is rarest; a walk that misses more walks in a circle.
    assert STEPS < 10_000 or len(never) <= 2, world.done


def _commit_without_waiting() -> None:
    """Let commits of this database not wait for the disk: what is tried here is no crash."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    connection.close()


def _more(*slugs: str) -> list[Organization]:
    made = []
    for slug in slugs:
        with in_public(), transaction.atomic():
            made.append(
                do_create_organization(
                    name=slug.capitalize(),
                    slug=slug,
                    owner_email=f"owner@{slug}.example",
                    timezone="Europe/Berlin",
                    language="en",
                    creation_key=None,
                )
            )
    return made


def _end_well(world: World, checks: Checks) -> None:
    """Let everything arrive and every month be told; then nothing may differ anywhere."""
    world.server.faults.clear()
    for party in world.parties:
        with world.moment():
            for change in SubscriptionChange.objects.filter(organization_id=party.id, state="requested"):
                ACTS_BY_NAME["go_on"](world, party)
                change.refresh_from_db()
    world.settle()
    checks.each_step()
    checks.in_full()
    assert world.dirty == set()
    assert checks.compared > STEPS
    with world.moment(), in_public():
        found = reconcile()
        assert found is not None
        assert found.differing == 0
        for identifier in Subscription.objects.values_list("id", flat=True):
            make_statements(identifier)
        for statement in SeatStatement.objects.all():
            for line in statement.content["lines"]:
                assert (line["people"] > 0) == (line["used_seconds"] > 0)
                assert line["used_seconds"] + line["unused_seconds"] == line["purchased_seconds"]


ACTS_BY_NAME = {act.__name__: act for act, _ in ACTS}
