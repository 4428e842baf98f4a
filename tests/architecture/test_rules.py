"""The house rules hold, and each is shown to catch what it is for."""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture.rules import RULES, HouseRule

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "api", "tenant_apps", "billing", "shared_apps", "tenants")

# rule -> (a line that breaks it, the line to write instead)
SAMPLES = {
    "ambient_clock": ("moment = datetime.now(UTC)", "moment = clock.now()"),
    "direct_delay": ("apply.delay(1)", "enqueue('rosters.apply', organization_id=key)"),
    "bare_on_commit": ("transaction.on_commit(send)", "on_commit(send)"),
    "session_lock": (
        "cursor.execute('SELECT pg_try_advisory_lock(1)')",
        "cursor.execute('SELECT pg_advisory_xact_lock(1)')",
    ),
    "raw_path_or_role": ("cursor.execute('SET search_path TO x')", "cursor.execute('SELECT 1')"),
    "late_import": ("def f():\n    import json", "import json\ndef f():\n    pass"),
    "orm_in_view": ("rows = Course.objects.all()", "rows = visible_courses(actor)"),
    "library_switch": ("with schema_context('x'):\n    pass", "with in_organization(x):\n    pass"),
    "door_as_decorator": ("@in_organization(x)\ndef f():\n    pass", "with in_organization(x):\n    pass"),
    "positional_service_argument": ("def act(actor, course): pass", "def act(*, actor, course): pass"),
    "optional_organization": ("def read(*, organization=None): pass", "def read(*, organization): pass"),
    "model_viewset": ("class V(viewsets.ModelViewSet): pass", "class V(DomainViewSet): pass"),
    "signal_receiver": ("@receiver(post_save)\ndef f(**k): pass", "def f(): pass"),
}


def _sources() -> list[Path]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "/migrations/" not in path.as_posix()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_product_code_keeps_the_rule(rule: HouseRule) -> None:
    broken = []
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        if rule.applies_to and not any(fnmatch(name, pattern) for pattern in rule.applies_to):
            continue
        if any(fnmatch(name, pattern) for pattern in rule.exempt):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for number in rule.find(ast.parse("\n".join(lines))):
            if f"rule: {rule.name}" not in lines[number - 1]:
                broken.append(f"{name}:{number}")
    assert broken == [], f"{rule.why}: {broken}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_catches_its_bad_sample_and_passes_its_good_one(rule: HouseRule) -> None:
    bad, good = SAMPLES[rule.name]
    assert list(rule.find(ast.parse(bad)))
    assert not list(rule.find(ast.parse(good)))


def test_files_and_functions_stay_small() -> None:
    too_long = []
    for path in _sources():
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 500:
            too_long.append(f"{path.relative_to(ROOT)}: file")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 80:
                too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert too_long == []


def test_public_functions_say_what_they_do() -> None:
    silent = []
    for path in _sources():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if path.name != "apps.py" and not ast.get_docstring(node):
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []
