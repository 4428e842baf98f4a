"""The two OpenAPI documents, and what the API promises in them everywhere: one error shape, opaque ids."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from api.openapi.documents import DOCUMENTS, FOLDER, as_yaml, make_document
from api.openapi.examples import EXAMPLES
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.api.matrix import ANYONE, PLATFORM, TENANT
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.operations import Operation, operations_of

HOSTS = ("platform", "tenant")
# Ids that are words: of a request, of whatever an audit event is about, and the company's own of a person.
WORDS = {"request_id", "target_id", "employee_id", "key_id"}
METHODS = ("get", "post", "put", "patch", "delete")
# Bodies nobody should send: what the parser, the fields and the database each could choke on.
MALFORMED: dict[str, bytes] = {
    "not json": b"{",
    "empty": b"",
    "not utf-8": b'{"name": "\xff\xfe"}',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "deep": b"[" * 2_000 + b"]" * 2_000,
    "lone surrogate": b'{"name": "\\ud800", "email": "\\ud800@example.com", "title": "\\udfff"}',
}


def _operations(host: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in make_document(host)["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield method, path, operation


@pytest.mark.feature("API-01")
@pytest.mark.parametrize("host", HOSTS)
def test_the_committed_document_is_what_the_code_makes(host: str) -> None:
    committed = (FOLDER / f"{host}.yaml").read_text(encoding="utf-8")
    assert committed == as_yaml(host), "run `make openapi`, read the diff, commit"


@pytest.mark.parametrize("host", HOSTS)
def test_the_host_serves_its_document_to_everybody(host: str, acme: Organization) -> None:
    client = Caller(PLATFORM_HOST if host == "platform" else "acme.palaestra.test")
    response = client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(make_document(host)))
    assert response.json()["info"]["title"] == DOCUMENTS[host].title


@pytest.mark.parametrize("host", HOSTS)
def test_every_operation_says_what_it_does_and_who_may(host: str) -> None:
    matrix, ids = {"platform": PLATFORM, "tenant": TENANT}[host], []
    for method, path, operation in _operations(host):
        ids.append(operation["operationId"])
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert operation["summary"], path
        assert len(operation["tags"]) == 1
        open_to_all = matrix[operation["operationId"]] is ANYONE
        assert operation["security"] == ([] if open_to_all else [{"bearer": []}, {"session": []}])
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        # A sign-up knows its repeats by itself: nobody is signed in.
        takes_keys = not open_to_all or operation["operationId"] == "sign_ups_create"
        assert ("Idempotency-Key" in names) <= (method == "post" and takes_keys), path
        assert ("Idempotency-Key" in names) <= ("400" in operation["responses"]), path
        assert ("limit" in names) <= ("400" in operation["responses"]), path
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "limit":
                assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        asked = [each for each in operation.get("parameters", ()) if each["name"] == "If-Match"]
        assert any(each.get("required") for each in asked) == ("428" in operation["responses"]), path
        assert bool(asked) <= ("412" in operation["responses"]), path
        for code, answer in operation["responses"].items():
            if int(code) >= 400:
                assert answer == {"$ref": f"#/components/responses/Problem{code}"}
            else:
                assert "X-Request-ID" in answer["headers"]
        if "201" in operation["responses"]:
            assert "Location" in operation["responses"]["201"]["headers"], path
    assert len(ids) == len(set(ids))


def test_work_that_names_a_job_says_when_to_ask_for_it() -> None:
    document = make_document("tenant")
    started = document["paths"]["/api/v1/rosters/{id}/apply"]["post"]["responses"]["202"]["headers"]
    asked = document["paths"]["/api/v1/jobs/{id}"]["get"]["responses"]["200"]["headers"]
    assert "Retry-After" in started
    assert "Retry-After" in asked
    assert "Retry-After" not in document["paths"]["/api/v1/jobs"]["get"]["responses"]["200"]["headers"]


@pytest.mark.feature("API-01")
@pytest.mark.parametrize("host", HOSTS)
def test_every_list_refuses_a_page_size_it_would_not_give(
    host: str, acme: Organization, sign_in: Callable[..., Caller], operator: Caller
) -> None:
    client = operator if host == "platform" else sign_in(acme, Role.OWNER)
    asked = 0
    for operation in operations_of(host):
        if not any(parameter["name"] == "limit" for parameter in operation.parameters):
            continue
        # An object of a made-up id is not found before its list would be read.
        if "{" in operation.path:
            continue
        asked += 1
        for limit in ("0", "-1", "201", "1000", "x", "1.5", "9" * 2_000):
            answer = client.get(operation.path, {"limit": limit})
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (400, "invalid_input"), (operation.id, limit)
            assert [error["field"] for error in problem["errors"]] == ["limit"], operation.id
        for limit in ("1", "200", ""):
            assert client.get(operation.path, {"limit": limit}).status_code == 200, (operation.id, limit)
    assert asked >= {"platform": 5, "tenant": 10}[host]


def test_every_example_stands_at_an_operation() -> None:
    schemas = {name for host in HOSTS for name in make_document(host)["components"]["schemas"]}
    assert sorted(set(EXAMPLES) - schemas) == []


@pytest.mark.feature("API-05")
@pytest.mark.parametrize("host", HOSTS)
def test_every_refusal_has_the_problem_shape(
    host: str, acme: Organization, sign_in: Callable[..., Caller], operator: Caller
) -> None:
    """Whatever is wrong with a request, the answer is a problem document with its own status and a code."""
    wrong: list[str] = []
    client = operator if host == "platform" else sign_in(acme, Role.OWNER)
    for operation in operations_of(host):
        if operation.id in {"auth_sign_out_create", "auth_sign_out_everywhere"}:
            continue  # takes no body, and would end the sign-in of the walk
        url = operation.url(lambda _: uuid.UUID(int=7))
        wrong += _wrong_answers(client, operation, url)
    assert wrong == []


def test_a_nul_deep_in_a_free_document_is_refused_by_field(operator: Caller) -> None:
    body = {"code": "nul", "name": "Nul", "features": {"a": [{"b\0": 1}]}}
    response = operator.post("/api/v1/plans", body, format="json")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["features"]


def _wrong_answers(client: Caller, operation: Operation, url: str) -> Iterator[str]:
    for kind, response in _bad_requests(client, operation, url):
        if response.status_code < 400:
            if kind in {"unknown method", "no such format", "not json", "not utf-8", "media type"}:
                yield f"{operation.id}: {kind} was taken ({response.status_code})"
            continue
        label = f"{operation.id}: {kind}: {response.status_code} {response.content[:200]!r}"
        if response.status_code >= 500 or response["Content-Type"] != "application/problem+json":
            yield label
            continue
        problem = response.json()
        shaped = (
            problem["status"] == response.status_code
            and re.fullmatch(r"[a-z0-9_]+", problem["code"])
            and problem["type"] == f"urn:palaestra:problem:{problem['code']}"
            and problem["title"]
            and problem["request_id"] == response["X-Request-ID"]
        )
        if not shaped or (kind == "unknown method" and not response.get("Allow")):
            yield label


def _bad_requests(client: Caller, operation: Operation, url: str) -> Iterator[tuple[str, Any]]:
    extra = {"HTTP_IF_MATCH": '"1"'}
    yield "unknown method", client.generic("TRACE", url)
    yield "no such format", client.generic(operation.method.upper(), url, HTTP_ACCEPT="text/csv", **extra)
    if operation.method == "get":
        for query in ("cursor=%00", "cursor=cD1ub3RoaW5n", "limit=x", "state=nonsense", "search=%00"):
            yield query, client.get(f"{url}?{query}")
        return
    if operation.body is None:
        return
    yield "media type", client.generic(operation.method.upper(), url, b"<a/>", "application/xml", **extra)
    media_type = operation.content_type
    if media_type.startswith("multipart/"):
        yield "not json", client.generic("POST", url, b"--x", "multipart/form-data; boundary=y")
        return
    for kind, body in MALFORMED.items():
        yield kind, client.generic(operation.method.upper(), url, body, media_type, **extra)
    for kind, value in {"nul": "a\0b", "huge": 10**400, "nested": {"a": [{}]}, "long": "x" * 100_000}.items():
        body = json.dumps(dict.fromkeys(_body_names(operation), value)).encode()
        yield kind, client.generic(operation.method.upper(), url, body, media_type, **extra)


def _body_names(operation: Operation) -> list[str]:
    assert operation.body is not None
    schema = operation.body
    if "$ref" in schema:
        schema = operation.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return list(schema["properties"])


@pytest.mark.feature("API-07", "SEC-01")
@pytest.mark.parametrize("host", HOSTS)
def test_no_id_is_a_number_that_could_be_counted_through(host: str) -> None:
    document = make_document(host)
    counted = [
        f"{name}.{key}"
        for name, schema in document["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if (key == "id" or key.endswith("_id")) and value.get("format") != "uuid" and key not in WORDS
    ]
    assert counted == []
    for _, path, operation in _operations(host):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                assert parameter["schema"] == {"type": "string", "format": "uuid"}, path


@pytest.mark.parametrize(
    ("host", "target"), [(PLATFORM_HOST, "/console/"), ("acme.palaestra.test", "/api/docs/")]
)
def test_the_root_leads_somewhere_useful(host: str, target: str, acme: Organization) -> None:
    response = Caller(host).get("/")
    assert (response.status_code, response["Location"]) == (302, target)


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/"])
@pytest.mark.parametrize("host", [PLATFORM_HOST, "acme.palaestra.test"])
def test_documentation_is_open_and_loads_nothing_from_elsewhere(
    page: str, host: str, acme: Organization
) -> None:
    client = Caller(host)
    text = client.get(page).content.decode()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert addresses
    for address in addresses:
        assert address.startswith(settings.STATIC_URL), address
        assert client.get(address).status_code == 200
    assert "/api/v1/openapi.json" in text
