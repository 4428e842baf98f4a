"""`make features`: which features of docs/features.md have a test that proves them."""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REGISTER = ROOT / "docs" / "features.md"
_ROW = re.compile(r"^\| ([A-Z]{3}-\d{2}|[MP]\d{2}) \| ([^|]+) \|")


def proofs(folder: Path) -> dict[str, list[str]]:
    """Return feature id -> tests marked with it, as `path::name`."""
    found: dict[str, list[str]] = defaultdict(list)
    for source in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature":
                    for argument in mark.args:
                        name = ast.literal_eval(argument)
                        found[name].append(f"{source.relative_to(ROOT)}::{node.name}")
    return found


def register() -> dict[str, str]:
    """Return feature id -> what it is, from docs/features.md."""
    rows = (_ROW.match(line) for line in REGISTER.read_text(encoding="utf-8").splitlines())
    return {row.group(1): row.group(2).strip() for row in rows if row}


def main() -> int:
    """Print the table; fail when a test claims a feature that the register does not have."""
    known, proven = register(), proofs(ROOT / "tests")
    for name, text in known.items():
        tests = proven.get(name, [])
        sys.stdout.write(f"{'proven ' if tests else 'open   '} {name}  {text}  ({len(tests)} tests)\n")
    done = sum(name in proven for name in known)
    sys.stdout.write(f"{done} of {len(known)} features proven by {sum(map(len, proven.values()))} tests\n")
    unknown = sorted(set(proven) - set(known))
    if unknown:
        sys.stdout.write(f"not in docs/features.md: {', '.join(unknown)}\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
