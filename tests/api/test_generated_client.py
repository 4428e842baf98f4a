"""A Python client generated from the tenant document works against the real server."""

import importlib
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from api.openapi.documents import make_document
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.people import PASSWORD, with_password
from tests.support.server import serving

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow


@pytest.fixture
def client_package(tmp_path: Path) -> Iterator[ModuleType]:
    """Generate and import the client, as a package of its own."""
    document = tmp_path / "tenant.json"
    document.write_text(json.dumps(make_document("tenant")), encoding="utf-8")
    name = f"palaestra_client_{uuid.uuid4().hex[:8]}"
    config = Config.from_sources(
        ConfigFile(post_hooks=[], generate_all_tags=False),
        MetaType.NONE,
        document_source=document,
        file_encoding="utf-8",
        overwrite=False,
        output_path=tmp_path / name,
    )
    assert list(generate(config=config)) == []
    sys.path.insert(0, str(tmp_path))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(tmp_path))
        for loaded in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[loaded]


@pytest.mark.feature("API-01")
def test_a_generated_client_signs_in_lists_makes_and_reads_refusals(
    client_package: ModuleType, committed: None, acme: Organization
) -> None:
    def call(operation: str, /, **arguments: Any) -> Any:
        return _module(client_package, f"api.{operation}").sync(**arguments)

    def model(kind: str, /, **values: Any) -> Any:
        return getattr(_module(client_package, "models"), kind)(**values)

    with_password("owner@acme.example")
    with serving() as server:
        place = {
            "base_url": f"http://127.0.0.1:{server.port}",
            "headers": {"Host": host_of(acme.slug)},
            "raise_on_unexpected_status": True,
        }
        anonymous = client_package.Client(**place)
        credentials = model("SignInInRequest", email="owner@acme.example", password=PASSWORD)
        signed_in = call("auth.auth_sign_in_create", client=anonymous, body=credentials)
        assert signed_in.user.role == "owner"

        client = client_package.AuthenticatedClient(token=signed_in.access_token, **place)
        members = call("members.members_list", client=client)
        assert [member.email for member in members.results] == ["owner@acme.example"]
        assert members.next_ is None

        wanted = model("CohortInRequest", name="Winter 2027")
        made = call("cohorts.cohorts_create", client=client, body=wanted, idempotency_key="winter-2027")
        again = call("cohorts.cohorts_create", client=client, body=wanted, idempotency_key="winter-2027")
        assert made.name == "Winter 2027"
        assert again.id == made.id
        assert call("cohorts.cohorts_retrieve", client=client, id=made.id).name == "Winter 2027"

        refusal = call("cohorts.cohorts_retrieve", client=client, id=uuid.UUID(int=7))
        assert type(refusal).__name__ == "Problem"
        assert (refusal.status, refusal.code) == (404, "not_found")
        taken = call("cohorts.cohorts_create", client=client, body=wanted)
        assert (type(taken).__name__, taken.status) == ("Problem", 409)


def _module(package: ModuleType, name: str) -> ModuleType:
    return importlib.import_module(f"{package.__name__}.{name}")
