"""Every way has a test that would catch it, and says which guard closes it."""

from tests.isolation.ways import WAYS, catchers


def test_the_register_numbers_all_31_ways() -> None:
    assert [way.number for way in WAYS] == list(range(1, 32))
    assert all(way.what and way.guard for way in WAYS)


def test_every_way_has_a_test_that_would_catch_it() -> None:
    found = catchers()
    assert [way.number for way in WAYS if way.number not in found] == []
    assert sorted(set(found) - {way.number for way in WAYS}) == [], "no such way"
