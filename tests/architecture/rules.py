"""House rules that import contracts cannot see: functions from a parsed file to the lines that break them.

Every rule ships with a good and a bad sample in test_rules.py, so that the rules themselves are tested.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Finder = Callable[[ast.Module], Iterator[int]]


@dataclass(frozen=True, slots=True)
class HouseRule:
    """One rule.

    Attributes:
        why: what to do instead.
        find: yields the line numbers that break the rule.
        applies_to: path patterns it looks at; empty means all product code.
        exempt: path patterns it leaves out, with the reason in a comment beside them.
    """

    name: str
    why: str
    find: Finder
    applies_to: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def _ambient_clock(tree: ast.Module) -> Iterator[int]:
    for call, name in _calls(tree):
        if name in {"datetime.now", "timezone.now", "datetime.utcnow", "datetime.datetime.now", "date.today"}:
            yield call.lineno


def _direct_delay(tree: ast.Module) -> Iterator[int]:
    for call, name in _calls(tree):
        if name.endswith((".delay", ".apply_async", ".send_task")):
            yield call.lineno


def _bare_on_commit(tree: ast.Module) -> Iterator[int]:
    for call, name in _calls(tree):
        if name == "transaction.on_commit":
            yield call.lineno


def _session_lock(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"pg_(try_)?advisory_(lock|unlock)", node.value)
        ):
            yield node.lineno


def _raw_path_or_role(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.upper()
            if re.match(r"\s*(RE)?SET\s+((LOCAL|SESSION)\s+)?(SEARCH_PATH|ROLE|SESSION AUTH)", text):
                yield node.lineno


def _late_import(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield inner.lineno


def _orm_in_view(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.db"):
            names = {alias.name for alias in node.names}
            if names & {"transaction", "connection", "connections"}:
                yield node.lineno


def _library_switch(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = ast.unparse(node)
        if name.rsplit(".", 1)[-1] in {"schema_context", "tenant_context", "set_tenant", "set_schema"}:
            yield node.lineno


def _door_as_decorator(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if any(
                    door in ast.unparse(mark) for door in ("in_organization", "in_public", "migrating_schema")
                ):
                    yield mark.lineno


def _positional_service_argument(tree: ast.Module) -> Iterator[int]:
    """Public functions of services that take an actor take everything by keyword."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            positional = [argument.arg for argument in node.args.args]
            if "actor" in positional:
                yield node.lineno


def _optional_organization(tree: ast.Module) -> Iterator[int]:
    """An organization argument with a default would let a caller forget it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        with_default = node.args.args[len(node.args.args) - len(node.args.defaults) :]
        optional = [argument.arg for argument in with_default]
        optional += [
            argument.arg
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if default is not None
        ]
        if any(name in {"organization", "organization_id", "actor"} for name in optional):
            yield node.lineno


def _model_viewset(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}
            if bases & {"ModelViewSet", "ReadOnlyModelViewSet", "APIView", "GenericAPIView"}:
                yield node.lineno


def _signal_receiver(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if ast.unparse(mark).startswith(("receiver(", "signals.receiver(")):
                    yield mark.lineno


RULES = (
    HouseRule(
        "ambient_clock",
        "take the time from shared_apps.core.clock.now()",
        _ambient_clock,
        exempt=("shared_apps/core/clock.py",),  # the clock itself
    ),
    HouseRule(
        "direct_delay",
        "enqueue by name with shared_apps.core.jobs.enqueue",
        _direct_delay,
        exempt=("shared_apps/core/jobs.py",),  # the one sender
    ),
    HouseRule(
        "bare_on_commit",
        "use tenants.context.on_commit, which keeps the scope",
        _bare_on_commit,
        # the door itself; the sender of tasks, which carries the organization in the message
        exempt=("tenants/context.py", "shared_apps/core/jobs.py"),
    ),
    HouseRule(
        "session_lock",
        "lock for the transaction (pg_advisory_xact_lock): a pooler may give the next one another session",
        _session_lock,
        # Migrates one schema in steps that no transaction holds; its command goes past every pooler.
        exempt=("tenants/services/migrating/stepwise.py",),
    ),
    HouseRule(
        "raw_path_or_role",
        "only the backend's scopes set path and role",
        _raw_path_or_role,
        # Where the scopes are spelled, and where they are spelled for one transaction.
        exempt=(
            "tenants/scope.py",
            "tenants/context.py",
            "tenants/postgresql/transactional/connection.py",
        ),
    ),
    HouseRule(
        "late_import",
        "import at the top of the file",
        _late_import,
        # Django allows an app's own modules to be imported in ready() only; a program loads models after
        # it has set Django up.
        exempt=("*/apps.py", "*/__main__.py"),
    ),
    HouseRule(
        "orm_in_view",
        "views call services and selectors",
        _orm_in_view,
        applies_to=("api/v1/*",),
    ),
    HouseRule(
        "library_switch",
        "enter tenants by tenants.context only",
        _library_switch,
        exempt=("tenants/postgresql/base.py",),  # overrides the library's methods of these names
    ),
    HouseRule("door_as_decorator", "enter tenants by `with` only", _door_as_decorator),
    HouseRule(
        "positional_service_argument",
        "services take keyword arguments only",
        _positional_service_argument,
        applies_to=("*/services/*", "*/services.py"),
    ),
    HouseRule(
        "optional_organization",
        "organization and actor are required arguments",
        _optional_organization,
        applies_to=("tenant_apps/*", "shared_apps/*", "billing/*"),
        exempt=("shared_apps/core/actors.py",),  # builds the system's actor, which may have none
    ),
    HouseRule("model_viewset", "views derive from api.core.viewsets.DomainViewSet", _model_viewset),
    HouseRule("signal_receiver", "call downwards, or enqueue a named job", _signal_receiver),
)
