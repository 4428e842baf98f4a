"""Every import contract is proved once: one deliberate violation each, in a copy of the tree."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "api", "tenant_apps", "billing", "shared_apps", "tenants")

# contract -> (file to add or extend, line that breaks it)
VIOLATIONS = {
    "Top-level direction": ("billing/errors.py", "import api.core.errors"),
    "Every shared app has a place": ("shared_apps/stray/__init__.py", ""),
    "Every tenant app has a place": ("tenant_apps/stray/__init__.py", ""),
    "Order inside one app": ("tenant_apps/people/utils.py", ""),
    "Order inside tenants": ("tenants/helpers.py", ""),
    "Gateways' libraries stay behind the gateways": ("billing/selectors/seats.py", "import stripe"),
    "Views reach the domain through services and selectors": (
        "api/v1/courses/views.py",
        "import tenant_apps.courses.models",
    ),
    "The domain knows nothing of HTTP": ("tenant_apps/runs/enums.py", "import rest_framework"),
    "The library of tenancy only in tenants": ("tenant_apps/runs/enums.py", "import django_tenants"),
    "API slices are independent": ("api/v1/runs/urls.py", "import api.v1.courses.urls"),
    "The API's base knows no slice": ("api/core/pagination.py", "import api.v1.courses.urls"),
    **{
        f"Tables of {app} are private": ("api/core/throttling.py", f"import tenant_apps.{app}.models")
        for app in ("people", "media", "courses", "runs", "learning", "paths", "cohorts", "rosters")
    },
}


def _lint(folder: Path) -> str:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def test_every_contract_is_broken_by_its_violation(tmp_path: Path) -> None:
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, line in VIOLATIONS.values():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text(encoding="utf-8") if target.exists() else ""
        target.write_text(f"{before}\n{line}\n", encoding="utf-8")
    report = _lint(tmp_path)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    names = {contract["name"] for contract in contracts}
    assert names == set(VIOLATIONS), "every contract needs its violation here"
    kept = [name for name in names if f"{name} BROKEN" not in report]
    assert kept == [], report[-3000:]
