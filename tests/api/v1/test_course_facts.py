"""What a course says of itself over HTTP: who may change it, what is refused, and that nobody overwrites."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from tenant_apps.courses.errors import SwitchedOff
from tenant_apps.courses.models import Category, Course
from tenant_apps.courses.selectors.facts import require_switch, switches_of, terms_of
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.course_drafts import make_course

Sign = Callable[..., Any]


def make_author(
    admin: Any, organization: Organization, member: Callable[..., Membership], url: str, *rights: str
) -> Membership:
    made = member(organization, Role.INSTRUCTOR)
    assert admin.put(f"{url}/rights", {"member_id": made.id, "rights": rights}).status_code == 200
    return made


def new_course(caller: Any, slug: str = "first-aid", **facts: Any) -> str:
    url = f"/api/v1/courses/{make_course(caller, slug)['id']}"
    if facts:
        answer = caller.patch(url, facts)
        assert answer.status_code == 200, answer.json()
    return url


@pytest.mark.feature("CAT-02")
@pytest.mark.feature("CAT-07")
@pytest.mark.feature("CAT-09")
@pytest.mark.feature("CAT-10")
def test_authors_say_what_a_course_is(acme: Organization, sign_in: Sign) -> None:
    author = sign_in(acme, Role.INSTRUCTOR)
    url = new_course(author)
    facts = {
        "level": "advanced",
        "tags": ["#Machine  LEARNING", "machine learning", "<b>Ärzte</b>"],
        "caption_languages": ["de", "pt-BR", "de"],
        "requirements": ["A laptop", "<i>Patience</i>"],
        "outcomes": ["To help", "To call"],
        "audience": ["Nurses"],
        "seo": {"meta_title": "First <b>aid</b>", "meta_description": "Learn it", "keywords": ["aid", "aid"]},
    }
    changed = author.patch(url, facts)

    assert changed.status_code == 200
    shown = author.get(url).json()
    assert {name: shown[name] for name in facts} == {
        "level": "advanced",
        "tags": ["machine learning", "ärzte"],
        "caption_languages": ["de", "pt-BR"],
        "requirements": ["A laptop", "Patience"],
        "outcomes": ["To help", "To call"],
        "audience": ["Nurses"],
        "seo": {"meta_title": "First aid", "meta_description": "Learn it", "keywords": ["aid"]},
    }
    assert AuditEvent.objects.filter(action="courses.edit").count() == 1


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"level": "hard"}, "invalid_input"),
        ({"tags": ["<script>x()</script>"]}, "text_empty"),
        ({"tags": ["###"]}, "text_empty"),
        ({"tags": ["x"] * 31}, "invalid_input"),
        ({"caption_languages": ["english!"]}, "invalid_input"),
        ({"requirements": [""]}, "invalid_input"),
        ({"flags": ["best"]}, "invalid_input"),
        ({"translations": {"no!": {"title": "A"}}}, "invalid_input"),
        ({"translations": {"de": {"summary": "A"}}}, "invalid_input"),
        ({"translations": {"EN": {"title": "A"}}}, "invalid_input"),
        ({"translations": {"en": {"title": "A"}}}, "translation_needless"),
        ({"switches": {"drip": "perhaps"}}, "invalid_input"),
        ({"currency": "euro"}, "invalid_input"),
        ({"price_type": "paid", "price_minor": -1, "currency": "EUR"}, "invalid_input"),
        ({"price_type": "paid", "price_minor": 999, "currency": "XXX"}, "currency_unknown"),
        ({"price_type": "paid", "currency": "EUR"}, "price_mismatch"),
        ({"price_minor": 999}, "price_mismatch"),
        ({"access_type": "limited"}, "access_days_mismatch"),
        ({"access_type": "limited", "access_days": 0}, "invalid_input"),
        ({"category_id": uuid.UUID(int=9)}, "unknown_category"),
    ],
)
def test_wrong_facts_change_nothing(
    acme: Organization, sign_in: Sign, facts: dict[str, Any], code: str
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(admin)
    before = admin.get(url).json()
    answer = admin.patch(url, {"title": "Other"} | facts)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert admin.get(url).json() == before


@pytest.mark.feature("CRS-01")
def test_two_authors_never_overwrite_each_other(acme: Organization, sign_in: Sign) -> None:
    admin, other = sign_in(acme, Role.ADMIN), sign_in(acme, Role.ADMIN)
    url = new_course(admin)
    seen = other.get(url)["ETag"]
    assert seen == '"1"'
    assert admin.patch(url, {"title": "Mine"}, HTTP_IF_MATCH=seen)["ETag"] == '"2"'

    late = other.patch(url, {"title": "Theirs"}, HTTP_IF_MATCH=seen)
    linked = other.put(f"{url}/related", {"courses": []}, HTTP_IF_MATCH=seen)

    assert (late.status_code, late.json()["code"]) == (412, "stale_version")
    assert late.json()["facts"] == {"revision": 2}
    assert linked.status_code == 412
    assert admin.get(url).json()["title"] == "Mine"
    # nothing changed, nothing counted; and without If-Match the last one wins
    assert admin.patch(url, {"title": "Mine"}, HTTP_IF_MATCH='"2"')["ETag"] == '"2"'
    assert other.patch(url, {"title": "Theirs"})["ETag"] == '"3"'


@pytest.mark.feature("CAT-03")
def test_a_subcategory_is_a_child_of_the_category(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(admin)
    with in_organization(acme):
        a, b = (Category.objects.create(slug=slug, name=slug) for slug in "ab")
        below = Category.objects.create(slug="below", name="Below", parent=a)

    for facts in (
        {"category_id": b.id, "subcategory_id": below.id},
        {"subcategory_id": below.id},
        {"category_id": a.id, "subcategory_id": a.id},
    ):
        refused = admin.patch(url, facts)
        assert (refused.status_code, refused.json()["code"]) == (400, "subcategory_mismatch")
    shown = admin.patch(url, {"category_id": a.id, "subcategory_id": below.id}).json()
    assert shown["category"] == {"id": str(a.id), "slug": "a", "name": "a"}
    assert shown["subcategory"]["id"] == str(below.id)
    # another category takes the subcategory of the old one away
    shown = admin.patch(url, {"category_id": b.id}).json()
    assert (shown["category"]["id"], shown["subcategory"]) == (str(b.id), None)
    assert admin.patch(url, {"category_id": None}).json()["category"] is None


@pytest.mark.feature("CAT-01")
def test_a_hidden_category_of_a_course_is_told_to_authors_alone(acme: Organization, sign_in: Sign) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme)
    with in_organization(acme):
        top = Category.objects.create(slug="top", name="Top", is_active=False)
        below = Category.objects.create(slug="below", name="Below", parent=top)
    url = new_course(admin, category_id=top.id, subcategory_id=below.id)
    with in_organization(acme):
        Course.objects.update(state="published")
    assert admin.get(url).json()["subcategory"]["name"] == "Below"
    shown = learner.get(url).json()
    assert (shown["category"], shown["subcategory"]) == (None, None)
    for category in (top, below):
        query = {"category": category.id}
        assert learner.get("/api/v1/catalogue", query).json()["results"] == []
        assert len(admin.get("/api/v1/catalogue", query).json()["results"]) == 1


@pytest.mark.feature("CRS-04")
@pytest.mark.feature("CRS-05")
def test_price_and_access_are_said_whole(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(
        admin,
        price_type="paid",
        price_minor=1999,
        compare_at_minor=2999,
        currency="EUR",
        discount_percent=25,
        access_type="limited",
        access_days=90,
    )
    shown = admin.get(url).json()
    assert shown["price"] == {
        "type": "paid",
        "price": {"amount_minor": 1999, "currency": "EUR"},
        "compare_at": {"amount_minor": 2999, "currency": "EUR"},
        "discount_percent": 25,
        "effective": {"amount_minor": 1499, "currency": "EUR"},
    }
    assert shown["access"] == {"type": "limited", "days": 90}
    # made free and unlimited it sheds what only the others have
    shown = admin.patch(url, {"price_type": "free", "access_type": "lifetime"}).json()
    assert shown["price"] == {
        "type": "free",
        "price": None,
        "compare_at": None,
        "discount_percent": None,
        "effective": None,
    }
    assert shown["access"] == {"type": "lifetime", "days": None}
    with in_organization(acme):
        assert terms_of(uuid.UUID(shown["id"])).currency == ""


@pytest.mark.feature("CRS-04")
@pytest.mark.feature("CAT-05")
def test_who_may_only_edit_decides_nothing_of_the_offer(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(admin)
    assistant = sign_in(acme, make_author(admin, acme, member, url, "edit_course"))
    publisher = sign_in(acme, make_author(admin, acme, member, url, "edit_course", "publish_course"))
    before = admin.get(url).json()

    for facts in (
        {"price_type": "subscription"},
        {"access_type": "limited", "access_days": 5},
        {"is_listed": False},
        {"flags": ["featured"]},
    ):
        refused = assistant.patch(url, {"title": "Other"} | facts)
        assert refused.status_code == 403
    assert admin.get(url).json() == before
    # what stays as it is may be sent along
    assert assistant.patch(url, {"title": "Other", "is_listed": True, "flags": []}).status_code == 200
    assert publisher.patch(url, {"is_listed": False}).json()["is_listed"] is False
    assert publisher.patch(url, {"flags": ["featured"]}).status_code == 403
    assert admin.patch(url, {"flags": ["featured"]}).json()["flags"] == ["featured"]


@pytest.mark.feature("CRS-06")
def test_switches_are_on_until_switched_off(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(admin)
    names = ["drip", "certificate", "qa", "reviews", "discussions", "notes", "self_enrollment"]
    assert admin.get(url).json()["switches"] == dict.fromkeys(names, True)

    shown = admin.patch(url, {"switches": {"qa": False, "drip": False}}).json()
    assert shown["switches"] == dict.fromkeys(names, True) | {"qa": False, "drip": False}
    shown = admin.patch(url, {"switches": {"drip": True}}).json()
    assert shown["switches"] == dict.fromkeys(names, True) | {"qa": False}

    course_id = uuid.UUID(shown["id"])
    with in_organization(acme):
        assert switches_of(course_id)["qa"] is False
        require_switch(course_id, "drip")
        with pytest.raises(SwitchedOff) as refused:
            require_switch(course_id, "qa")
        assert Course.objects.get(pk=course_id).switches == {"qa": False}
    assert refused.value.facts == {"switch": "qa"}


@pytest.mark.feature("CNT-21")
def test_title_and_summary_come_in_the_language_asked_for(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)
    url = new_course(
        admin,
        summary="What to do",
        translations={
            "de": {"title": "Erste <b>Hilfe</b>", "summary": "Was zu tun ist"},
            "pt-BR": {"title": "Primeiros socorros"},
        },
    )
    with in_organization(acme):
        Course.objects.update(state="published")
    learner = sign_in(acme)
    page = url.replace("courses", "catalogue")

    def title(query: str = "", accepted: str | None = None) -> tuple[str, str]:
        headers = {"HTTP_ACCEPT_LANGUAGE": accepted} if accepted else {}
        detail = learner.get(page + query, **headers).json()
        [listed] = learner.get("/api/v1/catalogue" + query, **headers).json()["results"]
        assert (listed["title"], listed["shown"]) == (detail["title"], detail["shown"])
        return detail["title"], detail["shown"]["language"]

    assert title() == ("First aid", "en")
    assert title("?language=de") == ("Erste Hilfe", "de")
    assert title("?language=de-AT") == ("Erste Hilfe", "de")
    assert title("?language=pt-BR") == ("Primeiros socorros", "pt-BR")
    # nothing of the sort: the course's own
    assert title("?language=fr") == ("First aid", "en")
    assert title("", "fr;q=0.9, de;q=0.8, en;q=0.1") == ("Erste Hilfe", "de")
    assert title("", "en-GB, de;q=0.5") == ("First aid", "en")
    assert title("?language=pt-br", "de") == ("Primeiros socorros", "pt-BR")
    assert learner.get(page, HTTP_ACCEPT_LANGUAGE="de").json()["summary"] == "Was zu tun ist"
    # who edits gets the texts as they were written, and the translation beside them
    edited = admin.get(url, HTTP_ACCEPT_LANGUAGE="de").json()
    assert (edited["title"], edited["shown"]["title"]) == ("First aid", "Erste Hilfe")
    assert edited["translations"]["pt-BR"] == {"title": "Primeiros socorros", "summary": ""}
    # a translation is taken away by null, the others stay
    left = admin.patch(url, {"translations": {"de": None}}).json()["translations"]
    assert list(left) == ["pt-BR"]
    refused = admin.patch(url, {"language": "pt-BR"})
    assert (refused.status_code, refused.json()["code"]) == (400, "translation_needless")


@pytest.mark.feature("CNT-21")
def test_a_member_who_asks_for_no_language_gets_the_own_one(
    acme: Organization, member: Callable[..., Membership], sign_in: Sign
) -> None:
    url = new_course(sign_in(acme, Role.ADMIN), translations={"de": {"title": "Erste Hilfe"}})
    with in_organization(acme):
        Course.objects.update(state="published")
    known = member(acme, language="de")
    caller, page = sign_in(acme, known), url.replace("courses", "catalogue")
    assert caller.get(page).json()["title"] == "Erste Hilfe"
    with in_public():
        User.objects.filter(pk=known.user_id).update(language="fr")
    assert caller.get(page).json()["title"] == "First aid"
