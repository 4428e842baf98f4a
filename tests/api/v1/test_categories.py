"""The tree of categories over HTTP: its order, its closed branches, and what keeps it a tree."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Category, Course
from tenant_apps.media.models import StoredFile
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.measures import statements

Sign = Callable[..., Any]
URL = "/api/v1/categories"


def make_category(caller: Any, slug: str, parent: str | None = None, **facts: Any) -> str:
    body = {"slug": slug, "name": slug.capitalize(), "parent_id": parent, **facts}
    answer = caller.post(URL, body)
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["id"])


def tree(caller: Any) -> list[tuple[str, int]]:
    return [(each["slug"], each["depth"]) for each in caller.get(URL).json()]


def sort_course(organization: Organization, category: str, subcategory: str | None = None) -> uuid.UUID:
    course_id = make_published_course(organization, modules=1, lessons=1).course_id
    with in_organization(organization):
        Course.objects.filter(pk=course_id).update(category_id=category, subcategory_id=subcategory)
    return course_id


@pytest.mark.feature("CAT-01")
def test_a_category_says_what_it_looks_like(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    with in_organization(acme):
        image = StoredFile.objects.create(
            name="a.png", content_type="image/png", size=4, sha256="0" * 64, storage_key="a"
        )
    made = admin.post(
        URL,
        {
            "slug": "safety",
            "name": "<b>Safety</b>",
            "icon": "shield",
            "image_id": image.id,
            "colour": "#2f6feb",
            "is_featured": True,
        },
    )
    assert made.status_code == 201
    shown = sign_in(acme).get(made["Location"]).json()
    assert shown.pop("image_url").startswith(f"/api/v1/files/{image.id}/download?sig=")
    assert shown == {
        "id": made.json()["id"],
        "parent_id": None,
        "slug": "safety",
        "name": "Safety",
        "icon": "shield",
        "image_id": str(image.id),
        "colour": "#2f6feb",
        "is_featured": True,
        "is_active": True,
        "is_shown": True,
        "position": 0,
        "depth": 0,
        "course_count": 0,
        "total_count": 0,
    }
    assert AuditEvent.objects.filter(action="courses.category_create").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"slug": "taken"}, 409, "category_slug_taken"),
        ({"parent_id": uuid.UUID(int=9)}, 400, "unknown_category"),
        ({"image_id": uuid.UUID(int=9)}, 400, "unknown_picture"),
        ({"name": "<script>x()</script>"}, 400, "text_empty"),
        ({"colour": "red"}, 400, "invalid_input"),
        ({"icon": "<svg>"}, 400, "invalid_input"),
    ],
)
def test_wrong_facts_are_refused(
    acme: Organization, sign_in: Sign, body: dict[str, Any], status: int, code: str
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    make_category(admin, "taken")
    answer = admin.post(URL, {"slug": "new", "name": "New"} | body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with in_organization(acme):
        assert Category.objects.count() == 1


def test_a_document_is_no_picture(acme: Organization, sign_in: Sign) -> None:
    with in_organization(acme):
        file = StoredFile.objects.create(
            name="a.pdf", content_type="application/pdf", size=4, sha256="0" * 64, storage_key="a"
        )
    answer = sign_in(acme, Role.ADMIN).post(URL, {"slug": "a", "name": "A", "image_id": file.id})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_picture")


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.MANAGER, Role.LEARNER])
def test_only_administrators_change_the_tree(acme: Organization, sign_in: Sign, role: Role) -> None:
    made = make_category(sign_in(acme, Role.ADMIN), "a")
    caller = sign_in(acme, role)
    answers = [
        caller.post(URL, {"slug": "b", "name": "B"}),
        caller.patch(f"{URL}/{made}", {"name": "B"}),
        caller.put(f"{URL}/order", {"ids": [made]}),
        caller.delete(f"{URL}/{made}"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert tree(caller) == [("a", 0)]


@pytest.mark.feature("CAT-01")
def test_siblings_are_ordered_by_one_call(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    top = make_category(admin, "top")
    a, b, c = (make_category(admin, slug, top) for slug in "abc")
    other = make_category(admin, "other")
    assert tree(admin) == [("top", 0), ("a", 1), ("b", 1), ("c", 1), ("other", 0)]

    answer = admin.put(f"{URL}/order", {"parent_id": top, "ids": [c, a, b]})
    admin.put(f"{URL}/order", {"ids": [other, top]})

    assert answer.status_code == 200
    assert tree(admin) == [("other", 0), ("top", 0), ("c", 1), ("a", 1), ("b", 1)]
    unknown = admin.put(f"{URL}/order", {"parent_id": uuid.UUID(int=9), "ids": []})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_category")
    refused = admin.put(f"{URL}/order", {"parent_id": top, "ids": [a, a, other]})
    assert (refused.status_code, refused.json()["code"]) == (400, "siblings_incomplete")
    assert refused.json()["facts"]["missing"] == sorted([b, c])
    assert (refused.json()["facts"]["unknown_at"], refused.json()["facts"]["repeated_at"]) == ([2], [1])
    assert tree(admin)[2:] == [("c", 1), ("a", 1), ("b", 1)]


@pytest.mark.feature("CAT-01")
def test_a_branch_moves_whole_and_never_into_itself(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    a = make_category(admin, "a")
    b = make_category(admin, "b", a)
    c = make_category(admin, "c", b)
    d = make_category(admin, "d")

    for parent in (a, b, c):
        refused = admin.patch(f"{URL}/{a}", {"parent_id": parent})
        assert (refused.status_code, refused.json()["code"]) == (409, "category_loop")
    assert tree(admin) == [("a", 0), ("b", 1), ("c", 2), ("d", 0)]

    assert admin.patch(f"{URL}/{b}", {"parent_id": d}).json()["depth"] == 1
    assert tree(admin) == [("a", 0), ("d", 0), ("b", 1), ("c", 2)]
    assert admin.patch(f"{URL}/{b}", {"parent_id": None}).json()["position"] == 2
    assert tree(admin) == [("a", 0), ("d", 0), ("b", 0), ("c", 1)]


@pytest.mark.feature("CAT-03")
def test_courses_follow_their_subcategory_to_its_new_parent(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    a, d = make_category(admin, "a"), make_category(admin, "d")
    b = make_category(admin, "b", a)
    course_id = sort_course(acme, a, b)

    def places() -> tuple[Any, Any, int]:
        with in_organization(acme):
            row = Course.objects.get(pk=course_id)
        return row.category_id, row.subcategory_id, row.revision

    admin.patch(f"{URL}/{b}", {"parent_id": d})
    assert places() == (uuid.UUID(d), uuid.UUID(b), 2)
    admin.patch(f"{URL}/{b}", {"parent_id": None})
    assert places() == (uuid.UUID(b), None, 3)


@pytest.mark.feature("CAT-01")
def test_an_inactive_branch_is_hidden_from_members_and_known_to_authors(
    acme: Organization, sign_in: Sign
) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)
    a = make_category(admin, "a")
    b = make_category(admin, "b", a)
    c = make_category(admin, "c", b)
    admin.patch(f"{URL}/{b}", {"is_active": False})

    assert tree(learner) == [("a", 0)]
    assert learner.get(f"{URL}/{b}").status_code == 404
    assert learner.get(f"{URL}/{c}").status_code == 404
    for caller in (admin, sign_in(acme, Role.INSTRUCTOR), sign_in(acme, Role.MANAGER)):
        assert tree(caller) == [("a", 0), ("b", 1), ("c", 2)]
    assert [(each["is_active"], each["is_shown"]) for each in admin.get(URL).json()] == [
        (True, True),
        (False, False),
        (True, False),
    ]
    admin.patch(f"{URL}/{b}", {"is_active": True})
    assert tree(learner) == [("a", 0), ("b", 1), ("c", 2)]


@pytest.mark.feature("CAT-01")
def test_counts_are_those_of_visible_live_courses(acme: Organization, sign_in: Sign) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)
    a = make_category(admin, "a")
    b = make_category(admin, "b", a)
    sort_course(acme, a)
    sort_course(acme, a, b)
    draft, gone = sort_course(acme, a, b), sort_course(acme, a, b)
    with in_organization(acme):
        Course.objects.filter(pk=draft).update(state="draft")
        Course.objects.filter(pk=gone).update(deleted_at=clock.now())

    def counts(caller: Any) -> list[tuple[str, int, int]]:
        return [(each["slug"], each["course_count"], each["total_count"]) for each in caller.get(URL).json()]

    with statements() as few:
        assert counts(admin) == [("a", 1, 3), ("b", 2, 2)]
    assert counts(learner) == [("a", 1, 2), ("b", 1, 1)]
    for slug in "cdefgh":
        make_category(admin, slug, b)
    with statements() as many:
        assert len(tree(admin)) == 8
    assert len(many) == len(few) == 2


@pytest.mark.feature("CAT-01")
def test_only_an_empty_category_is_deleted(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    a = make_category(admin, "a")
    b = make_category(admin, "b", a)
    course_id = sort_course(acme, a, b)

    for key, children, courses in ((a, 1, 1), (b, 0, 1)):
        refused = admin.delete(f"{URL}/{key}")
        assert (refused.status_code, refused.json()["code"]) == (409, "category_in_use")
        assert (refused.json()["facts"]["children"], refused.json()["facts"]["courses"]) == (
            children,
            courses,
        )

    # a deleted course holds no category back, and comes back without it
    assert admin.delete(f"/api/v1/courses/{course_id}").status_code == 204
    assert admin.delete(f"{URL}/{b}").status_code == 204
    assert admin.delete(f"{URL}/{b}").status_code == 404
    assert admin.delete(f"{URL}/{a}").status_code == 204
    assert tree(admin) == []
    assert admin.post(f"/api/v1/courses/{course_id}/restore").status_code == 200


def test_a_tree_has_room_for_a_thousand(
    acme: Organization, sign_in: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_apps.courses.services.categories.MOST_CATEGORIES", 1)
    admin = sign_in(acme, Role.ADMIN)
    make_category(admin, "a")
    refused = admin.post(URL, {"slug": "b", "name": "B"})
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]["most"]) == (
        409,
        "too_many_categories",
        1,
    )


def test_nobody_sees_another_organizations_tree(
    acme: Organization, globex: Organization, sign_in: Sign
) -> None:
    made = make_category(sign_in(acme, Role.ADMIN), "a")
    other = sign_in(globex, Role.ADMIN)
    assert tree(other) == []
    assert other.get(f"{URL}/{made}").status_code == 404
    assert other.patch(f"{URL}/{made}", {"name": "B"}).status_code == 404
