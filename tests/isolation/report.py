"""`make isolation-report`: run the evidence and write it down, as a page for people and as signed JSON."""

import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.template import Context, Engine

from shared_apps.core import clock, signing
from tests.isolation.ways import ROOT, WAYS, catchers

FOLDER = ROOT / "build" / "isolation-report"
TEMPLATE = Path(__file__).with_name("report.html")
# Groups of evidence beside ways and sweep: title, what it shows, start of the tests' names.
GROUPS = (
    (
        "Hopping threads",
        "Eight threads change between two organizations at a server; each answer is compared with the truth.",
        ("tests/api/test_hopping.py",),
    ),
    (
        "Connection pooler",
        "A storm of reads and writes through a real PgBouncer in transaction mode.",
        ("tests/tenants/test_pooler",),
    ),
    (
        "Row-level security",
        "Shared tables give an organization's role its own rows only, by policies of the database.",
        ("tests/tenants/test_row_security",),
    ),
    (
        "Planted leaks",
        "Guards are taken away and leaks planted on purpose; each must be found, or the tests prove nothing.",
        ("tests/isolation/test_planted.py",),
    ),
    (
        "The ground",
        "Both organizations hold the same ids and a mark in every text; no table or column is left out.",
        ("tests/isolation/test_twins.py", "tests/isolation/test_register.py"),
    ),
)


def main() -> int:
    """Run and write; return 0 when everything was run and nothing leaked."""
    django.setup()  # templates ask for the apps
    FOLDER.mkdir(parents=True, exist_ok=True)
    raw = FOLDER / "tests.json"
    raw.unlink(missing_ok=True)
    started = time.monotonic()
    paths = {test.split("::")[0] for tests in catchers().values() for test in tests}
    paths |= {"tests/isolation"}
    paths |= {str(path.relative_to(ROOT)) for path in _whole_files()}
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--show-capture=no", "--tb=short"),
            *("-p", "tests.isolation.collecting", f"--evidence={raw}"),
            *sorted(paths),
        ],
        cwd=ROOT,
        check=False,
    )
    if not raw.exists():
        sys.stderr.write("The tests did not run; there is no report.\n")
        return 1
    tests = json.loads(raw.read_text(encoding="utf-8"))
    raw.unlink()
    statement = build_statement(tests, seconds=round(time.monotonic() - started))
    write(statement)
    sys.stdout.write(f"{statement['verdict']}: {FOLDER.relative_to(ROOT) / 'index.html'}\n")
    return 0 if statement["verdict"] == "isolated" else 1


def _whole_files() -> list[Path]:
    found = [*ROOT.glob("tests/tenants/test_pooler*.py"), *ROOT.glob("tests/tenants/test_row_security*.py")]
    return [*found, ROOT / "tests/api/test_hopping.py", ROOT / "tests/api/test_isolation.py"]


def build_statement(tests: list[dict[str, Any]], *, seconds: int) -> dict[str, Any]:
    """Return what is signed: facts, verdict, ways, parts of the sweep, groups, what was left out.

    Args:
        tests: as the plugin keeps them.
        seconds: how long the run took.
    """
    ways = [_way(way, tests) for way in WAYS]
    parts = [test["sweep"] for test in tests if "sweep" in test]
    groups = [_group(title, about, starts, tests) for title, about, starts in GROUPS]
    outcomes = Counter(test["outcome"] for test in tests)
    missing = [way["number"] for way in ways if way["result"] == "not shown"]
    missing += [group["title"] for group in groups if group["result"] == "not shown"]
    verdict = "leak found" if outcomes["failed"] else "incomplete" if missing else "isolated"
    return {
        "product": "Palaestra",
        "version": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "changed_files": len(_git("status", "--porcelain", "--untracked-files=no").splitlines()),
        "date": clock.now().replace(microsecond=0).isoformat(),
        "seconds": seconds,
        "python": platform.python_version(),
        "postgresql": next((test["postgresql"] for test in tests if "postgresql" in test), "unknown"),
        "verdict": verdict,
        "not_shown": missing,
        "tests": dict(outcomes),
        "counts": _counts(parts),
        "ways": ways,
        "sweep": parts,
        "groups": groups,
        "left_out": [
            {"what": name, "part": part["part"], "why": why}
            for part in parts
            for name, why in part.get("skipped", {}).items()
        ]
        + [
            {"what": test["test"], "part": "test", "why": test["why"]}
            for test in tests
            if test["outcome"] == "skipped"
        ],
        "failures": [test for test in tests if test["outcome"] == "failed"],
    }


def _way(way: Any, tests: list[dict[str, Any]]) -> dict[str, Any]:
    of_way = [test for test in tests if way.number in test.get("leak", ())]
    return {
        "number": way.number,
        "what": way.what,
        "guard": way.guard,
        "result": _result(of_way, good="closed", bad="open"),
        "tests": _names(of_way),
    }


def _group(title: str, about: str, starts: tuple[str, ...], tests: list[dict[str, Any]]) -> dict[str, Any]:
    found = [test for test in tests if test["test"].startswith(starts)]
    return {
        "title": title,
        "about": about,
        "result": _result(found, good="passed", bad="failed"),
        "tests": _names(found),
        "number": len(found),
        "seconds": round(sum(test["seconds"] for test in found)),
    }


def _result(tests: list[dict[str, Any]], *, good: str, bad: str) -> str:
    outcomes = {test["outcome"] for test in tests}
    if "failed" in outcomes:
        return bad
    return good if "passed" in outcomes else "not shown"


def _names(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each test once, however many variants it has."""
    names: dict[str, dict[str, Any]] = {}
    for test in tests:
        name = test["test"].split("[")[0]
        kept = names.setdefault(name, {"name": name, "variants": 0, "outcome": "passed"})
        kept["variants"] += 1
        if test["outcome"] != "passed" and kept["outcome"] != "failed":
            kept["outcome"] = test["outcome"]
    return list(names.values())


def _counts(parts: list[dict[str, Any]]) -> dict[str, int]:
    def operations(document: str) -> int:
        return len({name for part in parts if part.get("document") == document for name, _ in part["done"]})

    def ran(part: str) -> int:
        return sum(len(each["done"]) for each in parts if each["part"] == part)

    return {
        "operations of tenant hosts": operations("tenant"),
        "operations of the platform host": operations("platform"),
        "tasks": ran("tasks"),
        "management commands": ran("management commands"),
        "calls": sum(part["calls"] for part in parts),
        "rows of the other organization watched": max((part["rows_watched"] for part in parts), default=0),
        "tables watched": max((part["tables_watched"] for part in parts), default=0),
        "checksums compared": sum(part["checksums_compared"] for part in parts),
        "log lines searched": sum(part["log_lines"] for part in parts),
    }


def write(statement: dict[str, Any]) -> None:
    """Sign the statement, and write it as JSON and as a page."""
    key = os.environ.get("SIGNING_KEY", "")
    if key:
        settings.SIGNING_KEY = key
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    public = signing.public_key()
    seal = {
        "signature": signing.sign(text),
        "algorithm": "ed25519",
        "public_key": public,
        "key_id": signing.key_id(public),
        "installations_key": bool(key),
    }
    (FOLDER / "evidence.json").write_text(
        json.dumps({"statement": statement, **seal}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    facts = {**statement, "seal": seal, "matrices": _matrices(statement["sweep"])}
    page = Engine(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8")).render(Context(facts))
    (FOLDER / "index.html").write_text(page, encoding="utf-8")


def _matrices(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a table for each document: operations down, who called across."""
    tables = []
    for document, title in (("tenant", "Operations of tenant hosts"), ("platform", "Of the platform host")):
        columns = [part for part in parts if part.get("document") == document]
        ended = [dict(map(tuple, part["done"])) for part in columns]
        names = sorted({name for each in ended for name in each})
        tables.append(
            {
                "title": title,
                "columns": [part["part"] for part in columns],
                "rows": [(name, [each.get(name, "") for each in ended]) for name in names],
            }
        )
    for part in parts:
        if "document" not in part and part.get("done"):
            tables.append(
                {
                    "title": part["part"].capitalize(),
                    "columns": ["ended"],
                    "rows": [(name, [how]) for name, how in part["done"]],
                }
            )
    return tables


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
