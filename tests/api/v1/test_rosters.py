"""Bring in people by list over HTTP: the plan, and applying it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.cohorts.models import Cohort
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.rosters import DATA, HEADER, THREE, apply, changed_tables, rows, table_counts, upload
from tests.support.subscriptions import make_subscription

SignIn = Callable[..., Any]


@pytest.mark.feature("COH-01")
def test_a_plan_writes_nothing_but_itself_and_the_audit_log(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    before = table_counts(acme)

    planned = upload(admin, THREE)

    assert planned.status_code == 201, planned.json()
    roster = planned.json()
    assert planned["Location"] == f"/api/v1/rosters/{roster['id']}"
    assert roster["counts"] == {"rows": 3, "add": 3, "change": 0, "skip": 0, "refuse": 0, "warned": 0}
    assert (roster["seats_needed"], roster["seats_free"]) == (3, 10)
    assert changed_tables(before, table_counts(acme)) == {
        "rosters_rosterimport": 1,
        "rosters_rosterrow": 3,
        "audit_auditevent": 1,
    }


@pytest.mark.feature("COH-01")
def test_refused_rows_name_column_code_and_advice_and_stop_a_full_apply(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 20)
    admin = sign_in(acme, Role.ADMIN)
    member(acme, Role.LEARNER, email="old@acme.example", employee_id="E7")
    member(acme, Role.LEARNER, email="two@acme.example", employee_id="E8")
    member(acme, Role.LEARNER, email="gone@acme.example", status="removed")
    text = HEADER + (
        "E7,new@acme.example,,,,,,\n"
        "E7b,two@acme.example,,,,,,\n"
        "e7,three@acme.example,,,,,,\n"
        ",gone@acme.example,,,,,,\n"
        ",owner@acme.example,,,,,learner,\n"
        ",not-an-address,,,,,,\n"
        ",fine@acme.example,,=1+1,,,,\n"
        ",good@acme.example,Gil,Good,,,,\n"
    )

    roster = upload(admin, text).json()

    assert roster["counts"] == {"rows": 8, "add": 1, "change": 1, "skip": 0, "refuse": 6, "warned": 0}
    refused = {
        row["number"]: [(issue["column"], issue["code"]) for issue in row["issues"]]
        for row in rows(admin, roster, action="refuse")
    }
    assert refused == {
        2: [("email", "email_changed")],
        4: [("employee_id", "duplicate_employee_id")],
        5: [("email", "member_removed")],
        6: [("role", "role_protected")],
        7: [("email", "email_invalid")],
        8: [("last_name", "formula_cell")],
    }
    assert all(issue["advice"] for row in rows(admin, roster, action="refuse") for issue in row["issues"])
    assert [row["number"] for row in rows(admin, roster, code="email_changed")] == [2]

    whole = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {})
    assert (whole.status_code, whole.json()["code"]) == (409, "rows_refused")
    assert whole.json()["facts"] == {"refused": 6}
    result = apply(admin, acme, roster, partial=True)
    assert (result["done"], result["unchanged"], result["refused"]) == (2, 0, 6)
    with in_organization(acme):
        assert set(Member.objects.values_list("email", "employee_id")) >= {
            ("old@acme.example", "E7"),
            ("two@acme.example", "E7b"),
            ("good@acme.example", ""),
        }
        assert not Member.objects.filter(email__in=["new@acme.example", "fine@acme.example"]).exists()
    with in_public():
        assert Membership.objects.get(organization=acme, user__email="owner@acme.example").role == "owner"


@pytest.mark.feature("COH-01")
def test_the_advice_on_known_people_leads_somewhere(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 20)
    admin = sign_in(acme, Role.ADMIN)
    moved = member(acme, Role.LEARNER, email="old@acme.example", employee_id="E7")
    member(acme, Role.LEARNER, email="gone@acme.example", status="removed")
    text = HEADER + "E7,new@acme.example,Nia,New,,,,\n,gone@acme.example,,,,,,\n"
    advice = {
        issue["code"]: issue["advice"]
        for row in rows(admin, upload(admin, text).json())
        for issue in row["issues"]
    }
    assert "empty the employee id of the member and remove them" in advice["email_changed"]
    assert "invite them again (POST /invitations)" in advice["member_removed"]

    assert admin.patch(f"/api/v1/members/{moved.id}", {"employee_id": ""}).status_code == 200
    assert admin.delete(f"/api/v1/members/{moved.id}").status_code == 204
    assert admin.post("/api/v1/invitations", {"email": "gone@acme.example"}).status_code == 201
    roster = upload(admin, text).json()

    assert (roster["counts"]["refuse"], roster["counts"]["add"], roster["counts"]["change"]) == (0, 1, 1)
    assert apply(admin, acme, roster)["done"] == 2
    with in_organization(acme):
        assert Member.objects.get(employee_id="E7").email == "new@acme.example"


def test_an_employee_id_of_somebody_else_is_refused(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    member(acme, email="one@acme.example", employee_id="E1")
    member(acme, email="two@acme.example", employee_id="E2")
    roster = upload(admin, HEADER + "E1,two@acme.example,,,,,,\n").json()
    [row] = rows(admin, roster)
    assert [(issue["column"], issue["code"]) for issue in row["issues"]] == [
        ("employee_id", "employee_id_taken")
    ]


def test_a_list_does_not_change_its_uploader_or_other_administrators(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    me = member(acme, Role.ADMIN, email="me@acme.example")
    member(acme, Role.ADMIN, email="other@acme.example")
    admin = sign_in(acme, me)
    text = "email,role\nme@acme.example,learner\nother@acme.example,manager\nx@acme.example,owner\n"
    roster = upload(admin, text).json()
    assert [(row["action"], row["issues"][0]["code"]) for row in rows(admin, roster)] == [
        ("refuse", "role_protected"),
        ("refuse", "role_protected"),
        ("refuse", "role_not_allowed"),
    ]


@pytest.mark.feature("COH-01")
def test_only_an_owner_makes_administrators_by_list(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 10)
    member(acme, Role.LEARNER, email="old@acme.example")
    text = "email,role\nold@acme.example,admin\nnew@acme.example,admin\n"
    admin, owner = sign_in(acme, Role.ADMIN), sign_in(acme, Role.OWNER)

    by_admin = upload(admin, text).json()
    by_default = upload(admin, "email\nnew@acme.example\n", default_role="admin").json()
    by_owner = upload(owner, text).json()

    for refused in (by_admin, by_default):
        assert {
            (row["action"], row["issues"][0]["column"], row["issues"][0]["code"])
            for row in rows(admin, refused)
        } == {("refuse", "role", "role_not_allowed")}
    assert (by_owner["counts"]["add"], by_owner["counts"]["change"]) == (1, 1)
    # an admin who applies the owner's plan lends it no more rights than the admin has
    stale = admin.post(f"/api/v1/rosters/{by_owner['id']}/apply", {})
    assert (stale.status_code, stale.json()["code"], stale.json()["facts"]) == (
        409,
        "plan_stale",
        {"stale": 2},
    )
    assert apply(owner, acme, by_owner)["done"] == 2
    with in_public():
        found = Membership.objects.filter(organization=acme, role=Role.ADMIN).values_list(
            "user__email", flat=True
        )
        assert {"old@acme.example", "new@acme.example"} <= set(found)


@pytest.mark.feature("COH-01")
def test_unknown_cohorts_are_refused_unless_they_may_be_made(acme: Organization, sign_in: SignIn) -> None:
    admin = sign_in(acme, Role.ADMIN)
    with in_organization(acme):
        Cohort.objects.create(name="Spring 2027")
    text = "email,cohort\na@acme.example,spring  2027\nb@acme.example,Summer\n"
    strict = upload(admin, text, create_cohorts="false").json()
    free = upload(admin, text, create_cohorts="true").json()
    assert [(row["action"], row["values"].get("cohort")) for row in rows(admin, strict)] == [
        ("add", "Spring 2027"),
        ("refuse", None),
    ]
    assert [(row["action"], row["values"]["cohort"]) for row in rows(admin, free)] == [
        ("add", "Spring 2027"),
        ("add", "Summer"),
    ]


@pytest.mark.feature("COH-01")
@pytest.mark.parametrize(
    ("name", "encoding", "delimiter"),
    [
        ("utf8-comma-lf.csv", "utf-8", ","),
        ("utf8-bom-semicolon-crlf.csv", "utf-8-sig", ";"),
        ("utf16le-bom-tab-crlf.csv", "utf-16-le", "\t"),
        ("cp1252-semicolon-crlf.csv", "cp1252", ";"),
    ],
)
def test_exports_of_every_dialect_are_understood(
    acme: Organization, sign_in: SignIn, name: str, encoding: str, delimiter: str
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    planned = upload(admin, (DATA / name).read_bytes())
    assert planned.status_code == 201, planned.json()
    roster = planned.json()
    assert (roster["encoding"], roster["delimiter"]) == (encoding, delimiter)
    assert roster["counts"]["add"] == roster["counts"]["rows"] > 0
    values = [row["values"] for row in rows(admin, roster)]
    plain = [
        row["values"] for row in rows(admin, upload(admin, (DATA / "utf8-comma-lf.csv").read_bytes()).json())
    ]
    assert [each["email"] for each in values] == [each["email"] for each in plain]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"PK\x03\x04" + bytes(60), 415, "not_text"),
        (b"name,email\n", 400, "no_rows"),
        (b"first_name,last_name\nA,B\n", 400, "missing_column"),
        (b'email,first_name\na@b.example,"open\n', 400, "broken_quoting"),
        (b"email,e-mail\na@b.example,c@d.example\n", 400, "duplicate_column"),
    ],
)
def test_an_unusable_file_is_a_problem_with_its_code(
    acme: Organization, sign_in: SignIn, content: bytes, status: int, code: str
) -> None:
    before = table_counts(acme)
    admin = sign_in(acme, Role.ADMIN)
    answer = upload(admin, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "rosters_rosterimport" not in changed_tables(before, table_counts(acme))


def test_a_too_large_file_is_refused(acme: Organization, sign_in: SignIn, settings: Any) -> None:
    settings.MAX_ROSTER_BYTES = 100
    settings.MAX_ROSTER_ROWS = 2
    admin = sign_in(acme, Role.ADMIN)
    large = upload(admin, THREE)
    long = upload(admin, "email\na@b.example\nc@b.example\nd@b.example\n")
    assert (large.status_code, large.json()["code"]) == (413, "file_too_large")
    assert (long.status_code, long.json()["code"]) == (413, "too_many_rows")


def test_strange_names_and_headers_are_data(acme: Organization, sign_in: SignIn) -> None:
    admin = sign_in(acme, Role.ADMIN)
    text = 'email,first_name,\x01odd\nrob@acme.example,"Robert\'); DROP TABLE people_member;--",x\n'
    answer = upload(admin, text)
    assert answer.status_code == 201, answer.json()
    [row] = rows(admin, answer.json())
    assert row["values"]["first_name"] == "Robert'); DROP TABLE people_member;--"


@pytest.mark.parametrize(
    "body",
    [{}, {"file": "not a file"}, {"default_role": "owner"}, {"create_cohorts": "perhaps"}, {"run_id": "1"}],
)
def test_a_malformed_upload_is_400(acme: Organization, sign_in: SignIn, body: dict[str, str]) -> None:
    admin = sign_in(acme, Role.ADMIN)
    fine = (
        {} if "file" in body or not body else {"file": SimpleUploadedFile("a.csv", b"email\na@b.example\n")}
    )
    answer = admin.post("/api/v1/rosters", {**fine, **body}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.feature("COH-01")
@pytest.mark.parametrize("role", [Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER, Role.BILLING_ADMIN])
def test_only_administrators_bring_in_people(acme: Organization, sign_in: SignIn, role: Role) -> None:
    roster = upload(sign_in(acme, Role.ADMIN), THREE).json()
    other = sign_in(acme, role)
    before = table_counts(acme)
    assert upload(other, THREE).status_code == 403
    assert other.get("/api/v1/rosters").status_code == 403
    assert other.get(f"/api/v1/rosters/{roster['id']}").status_code == 403
    assert other.get(f"/api/v1/rosters/{roster['id']}/rows").status_code == 403
    assert other.post(f"/api/v1/rosters/{roster['id']}/apply", {}).status_code == 403
    assert changed_tables(before, table_counts(acme)) == {}


@pytest.mark.feature("COH-01")
def test_another_organizations_import_is_not_there(
    acme: Organization, globex: Organization, sign_in: SignIn
) -> None:
    roster = upload(sign_in(acme, Role.ADMIN), THREE).json()
    stranger = sign_in(globex, Role.OWNER)
    assert stranger.get(f"/api/v1/rosters/{roster['id']}").status_code == 404
    assert stranger.get(f"/api/v1/rosters/{roster['id']}/rows").status_code == 404
    assert stranger.post(f"/api/v1/rosters/{roster['id']}/apply", {}).status_code == 404
    assert stranger.get("/api/v1/rosters").json()["results"] == []


def test_lists_are_paged_with_few_queries(
    acme: Organization, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    people = "".join(f"p{number}@acme.example\n" for number in range(120))
    roster = upload(admin, "email\n" + people).json()
    address = f"/api/v1/rosters/{roster['id']}/rows?limit=50"
    seen: list[int] = []
    while address:
        with django_assert_max_num_queries(4):
            page = admin.get(address).json()
        seen += [row["number"] for row in page["results"]]
        address = page["next"]
    assert seen == list(range(2, 122))
    with django_assert_max_num_queries(3):
        assert len(admin.get("/api/v1/rosters").json()["results"]) == 1


def test_planning_takes_a_fixed_number_of_queries(
    acme: Organization, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    people = "".join(f"p{number}@acme.example,Spring\n" for number in range(300))
    with django_assert_max_num_queries(20):
        assert upload(admin, "email,cohort\n" + people).status_code == 201
