"""The pure comparison of two versions: exact answers first, then what holds for any two."""

import random
import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.courses.content.comparing import (
    Change,
    Code,
    Level,
    Piece,
    Place,
    Unit,
    apply,
    compare,
    longest_common_order,
)


def _id(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def _module(number: int, title: str = "") -> Unit:
    return Unit(_id(number), Level.MODULE, None, {"title": title or f"Module {number}", "release": None})


def _lesson(number: int, parent: int, **facts: object) -> Unit:
    standard = {"title": f"Lesson {number}", "body": f"text {number}", "is_required": True, "kind": "text"}
    return Unit(_id(number), Level.LESSON, _id(parent), {**standard, **facts})


def _codes(before: list[Unit], after: list[Unit]) -> dict[int, set[str]]:
    return {each.lineage.int: set(each.codes) for each in compare(before, after).units if not each.is_same}


@pytest.mark.feature("P11")
def test_one_moved_lesson_among_many_is_one_move() -> None:
    module = _module(1)
    lessons = [_lesson(number, 1) for number in range(10, 110)]
    first, *others = lessons

    assert _codes([module, *lessons], [module, *others, first]) == {10: {Code.MOVED}}


def test_a_lesson_in_another_module_says_from_where_to_where() -> None:
    before = [_module(1), _lesson(10, 1), _lesson(11, 1), _module(2), _lesson(20, 2)]
    after = [_module(1), _lesson(10, 1), _module(2), _lesson(20, 2), _lesson(11, 2)]

    diff = compare(before, after).by_lineage[_id(11)]

    assert diff.changes == (Change(Code.MOVED, "place", Place(_id(1), 1), Place(_id(2), 1)),)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("title", "New", Code.RENAMED),
        ("body", "new text", Code.BODY_CHANGED),
        ("kind", "embed", Code.KIND_CHANGED),
        ("is_required", False, Code.RULE_CHANGED),
        ("weight", 3, Code.RULE_CHANGED),
        ("embed_url", "https://video.example/1", Code.CONTENT_CHANGED),
    ],
)
def test_each_fact_has_its_code(name: str, value: object, code: Code) -> None:
    lesson = _lesson(10, 1)

    diff = compare([_module(1), lesson], [_module(1), _lesson(10, 1, **{name: value})])

    assert diff.by_lineage[_id(10)].changes == (Change(code, name, lesson.facts.get(name), value),)
    assert diff.by_lineage[_id(1)].is_same


def test_a_removed_module_takes_its_lessons_with_it_but_not_those_that_moved_out() -> None:
    before = [_module(1), _module(2), _lesson(20, 2), _lesson(21, 2)]
    after = [_module(1), _lesson(21, 1)]

    assert _codes(before, after) == {2: {Code.REMOVED}, 20: {Code.REMOVED}, 21: {Code.MOVED}}


def test_resources_and_translations_are_told_apart() -> None:
    old, new = str(_id(900)), str(_id(901))
    before = replace(
        _lesson(10, 1),
        resources=(Piece(old, {"title": "Slides"}),),
        translations=(Piece("de", {"title": "Tee"}), Piece("fr", {"title": "Thé"})),
    )
    after = replace(
        before,
        resources=(Piece(new, {"title": "Sheet"}), Piece(old, {"title": "Slides, new"})),
        translations=(Piece("de", {"title": "Der Tee"}), Piece("pt-BR", {"title": "Chá"})),
    )

    changes = compare([_module(1), before], [_module(1), after]).by_lineage[_id(10)].changes

    assert changes == (
        Change(Code.RESOURCE_CHANGED, old, {"title": "Slides"}, {"title": "Slides, new"}),
        Change(Code.RESOURCE_ADDED, new, None, {"title": "Sheet", "position": 0}),
        Change(Code.TRANSLATION_CHANGED, "de", {"title": "Tee"}, {"title": "Der Tee"}),
        Change(Code.TRANSLATION_REMOVED, "fr", {"title": "Thé"}, None),
        Change(Code.TRANSLATION_ADDED, "pt-BR", None, {"title": "Chá"}),
    )


def test_rules_of_the_version_are_changes_of_its_own() -> None:
    comparison = compare([], [], rules_before={"sequential": False}, rules_after={"sequential": True})

    assert comparison.changes == (Change(Code.RULE_CHANGED, "sequential", False, True),)
    assert not comparison.is_empty


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_changes_replayed_on_the_first_give_the_second(seed: int, edits: int) -> None:
    before, after = _two_versions(seed, edits)

    assert apply(before, compare(before, after)) == after


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_the_other_way_round_is_the_mirror_image(seed: int, edits: int) -> None:
    before, after = _two_versions(seed, edits)
    there, back = compare(before, after), compare(after, before)

    assert there.by_lineage.keys() == back.by_lineage.keys()
    for lineage, diff in there.by_lineage.items():
        mirrored = {change.reversed().code: change.reversed() for change in diff.changes}
        assert {change.code for change in back.by_lineage[lineage].changes} == set(mirrored)
        assert sorted(map(repr, (each.reversed() for each in diff.changes))) == sorted(
            map(repr, back.by_lineage[lineage].changes)
        )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_a_version_does_not_differ_from_itself(seed: int, edits: int) -> None:
    _, version = _two_versions(seed, edits)

    assert compare(version, version).is_empty


@settings(max_examples=200, deadline=None)
@given(st.permutations(list(range(7))))
def test_as_few_as_possible_are_moved(order: list[int]) -> None:
    sequence = [_id(number) for number in order]
    straight = [_id(number) for number in range(7)]

    kept = longest_common_order(straight, sequence)

    assert [each for each in sequence if each in kept] == sorted(kept)
    assert len(kept) == _longest_by_trying(order)


def _longest_by_trying(order: list[int]) -> int:
    best = [1] * len(order)
    for at, value in enumerate(order):
        best[at] = 1 + max((best[k] for k in range(at) if order[k] < value), default=0)
    return max(best)


def _two_versions(seed: int, edits: int) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
    """Return a version and what a number of random edits made of it; equal seeds give equal versions."""
    choice = random.Random(seed)
    number = iter(range(1, 100_000))
    plain: dict[uuid.UUID | None, list[Unit]] = {None: []}

    def add(parent: Unit | None) -> None:
        level = Level.MODULE if parent is None else _BELOW[parent.level]
        lineage = _id(next(number))
        facts = {"title": f"T{choice.randrange(5)}", "body": f"B{choice.randrange(5)}", "weight": 1}
        siblings = plain[parent.lineage if parent else None]
        made = Unit(lineage, level, parent.lineage if parent else None, facts, _pieces(choice))
        siblings.insert(choice.randint(0, len(siblings)), made)
        plain[lineage] = []

    for _ in range(choice.randint(1, 4)):
        add(None)
    for level in (Level.MODULE, Level.LESSON):
        for unit in [each for units in list(plain.values()) for each in units if each.level is level]:
            for _ in range(choice.randint(0, 4)):
                add(unit)
    before = tuple(_flat(plain, None))
    for _ in range(edits):
        _edit(choice, plain, add)
    return before, tuple(_flat(plain, None))


_BELOW = {Level.MODULE: Level.LESSON, Level.LESSON: Level.TOPIC}


def _pieces(choice: random.Random) -> tuple[Piece, ...]:
    return tuple(
        Piece(str(_id(1_000_000 + each)), {"title": f"R{choice.randrange(3)}"})
        for each in choice.sample(range(5), choice.randrange(4))
    )


def _edit(choice: random.Random, plain: dict[uuid.UUID | None, list[Unit]], add: object) -> None:
    everything = [unit for units in plain.values() for unit in units]
    if not everything:
        add(None)  # type: ignore[operator]
        return
    unit = choice.choice(everything)
    siblings = plain[unit.parent]
    at = siblings.index(unit)
    match choice.randrange(6):
        case 0:
            add(None if choice.random() < 0.2 or unit.level is Level.TOPIC else unit)  # type: ignore[operator]
        case 1:
            _remove(plain, unit)
        case 2:
            siblings.insert(choice.randrange(len(siblings)), siblings.pop(at))
        case 3:
            homes = [each for each in everything if _BELOW.get(each.level) is unit.level]
            if homes:
                siblings.pop(at)
                home = choice.choice(homes).lineage
                plain[home].insert(choice.randint(0, len(plain[home])), replace(unit, parent=home))
        case 4:
            name = choice.choice(["title", "body", "weight"])
            siblings[at] = replace(unit, facts={**unit.facts, name: choice.randrange(5)})
        case _:
            siblings[at] = replace(unit, resources=_pieces(choice))


def _remove(plain: dict[uuid.UUID | None, list[Unit]], unit: Unit) -> None:
    for child in list(plain[unit.lineage]):
        _remove(plain, child)
    plain[unit.parent].remove(unit)
    del plain[unit.lineage]


def _flat(plain: dict[uuid.UUID | None, list[Unit]], parent: uuid.UUID | None) -> list[Unit]:
    found = []
    for unit in plain[parent]:
        found += [unit, *_flat(plain, unit.lineage)]
    return found
