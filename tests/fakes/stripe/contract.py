"""What Stripe accepts, read from the parameter types that the installed SDK ships.

The SDK is generated from Stripe's own description of its API, so a request that these types refuse would be
refused by Stripe: an unknown parameter, a word where an object belongs, a state that does not exist.
"""

import ast
import importlib
import re
import types
import typing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn

import stripe
import typing_extensions

_PACKAGE = Path(stripe.__file__).parent
_VERBS = {"get", "post", "delete"}


class ParameterRefused(Exception):
    """A request does not fit the types. `param` is spelled as Stripe does: `items[0][quantity]`."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API: verb, path with names in braces, and the type of its parameters."""

    verb: str
    template: str
    module: str
    params: str | None
    pattern: re.Pattern[str]


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a request and the values in its path, None when Stripe knows no such operation."""
    for route in routes():
        if route.verb == verb and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None


@cache
def routes() -> tuple[Route, ...]:
    """Return every v1 operation of the SDK; the more literal ones first, `/search` before `/{id}`."""
    found = {
        (route.verb, route.template): route
        for file in sorted(_PACKAGE.rglob("_*_service.py"))
        for route in _routes_of(file)
    }
    return tuple(sorted(found.values(), key=lambda route: (route.template.count("{"), route.template)))


def check(route: Route, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with their types, or refuse them.

    Args:
        raw: nested dicts and lists of text, as `decode_form` returns them.

    Raises:
        ParameterRefused: see `param`.
    """
    if route.params is None:
        if raw:
            raise ParameterRefused(next(iter(raw)), "This operation takes no parameters.")
        return {}
    module = importlib.import_module(route.module)
    declared = _params_type(module, route.params)
    return _typed_dict(declared, raw, "")


def decode_form(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the nested form of bracketed names: `items[0][price]=x` becomes {"items": [{"price": "x"}]}."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node, keys = tree, [head, *rest]
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise ParameterRefused(name, f"Invalid parameter: {name} is both a value and an object.")
        node[keys[-1] or str(len(node))] = value
    return {key: _lists(value) for key, value in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value) for key, value in node.items()}


def _routes_of(file: Path) -> list[Route]:
    module = ".".join(("stripe", *file.relative_to(_PACKAGE).with_suffix("").parts))
    if ".v2." in module:
        return []
    found = []
    for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        request = _request_of(function)
        if request is None:
            continue
        verb, template = request
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        found.append(Route(verb, template, module, _params_name(function), re.compile(pattern)))
    return found


def _request_of(function: ast.FunctionDef) -> tuple[str, str] | None:
    """Return verb and path template of the `self._request(...)` in a method."""
    for call in ast.walk(function):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        texts = [
            node.value
            for argument in call.args
            for node in ast.walk(argument)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if call.func.attr == "_request" and texts and texts[0] in _VERBS:
            return texts[0], next(text for text in texts if text.startswith("/v1/"))
    return None


def _params_name(function: ast.FunctionDef) -> str | None:
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            names = [n.value for n in ast.walk(argument.annotation) if isinstance(n, ast.Constant)]
            return next((name for name in names if isinstance(name, str)), None)
    return None


@cache
def _params_type(service: types.ModuleType, name: str) -> Any:
    """Return the TypedDict that a service module names; it imports it for type checkers only."""
    source = Path(typing.cast("str", service.__file__)).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return getattr(importlib.import_module(typing.cast("str", node.module)), name)
    raise LookupError(f"{service.__name__} does not import {name}")


def _typed_dict(declared: Any, raw: Any, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ParameterRefused(path, f"Invalid object: {path} must be a hash.")
    hints = _hints(declared)
    for name in raw:
        if name not in hints:
            raise ParameterRefused(_at(path, name), f"Received unknown parameter: {_at(path, name)}")
    for name in declared.__required_keys__:
        if name not in raw:
            raise ParameterRefused(_at(path, name), f"Missing required param: {_at(path, name)}.")
    return {name: _value(hints[name], value, _at(path, name)) for name, value in raw.items()}


@cache
def _hints(declared: Any) -> dict[str, Any]:
    # Some types also carry what the global style of the SDK takes beside the parameters (api_key ...), whose
    # annotations use names of another module.
    names = {"StripeContext": stripe.StripeContext, "Mapping": typing.Mapping}
    hints = typing_extensions.get_type_hints(declared, localns=names)
    return {name: hint for name, hint in hints.items() if name not in stripe.RequestOptions.__annotations__}


def _value(hint: Any, raw: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(arguments, raw, path)
    if origin is Literal:
        if raw in arguments:
            return raw
        _refuse(path, f"Invalid {path}: must be one of {', '.join(map(str, arguments))}")
    if origin is list:
        return _list(arguments[0], raw, path)
    if origin is not None:  # Dict[str, X] and the SDK's own map of text
        return _map(arguments[-1], raw, path)
    if typing_extensions.is_typeddict(hint):
        return _typed_dict(hint, raw, path)
    return _scalar(hint, raw, path)


def _one_of(arguments: tuple[Any, ...], raw: Any, path: str) -> Any:
    """A set of words that is open for the reader (`Literal[...] | str`) is closed for the writer: Stripe
    refuses a word it does not know. An empty text alone is the way to unset a field."""
    words = [a for a in arguments if typing.get_origin(a) is Literal and set(typing.get_args(a)) != {""}]
    if words:
        arguments = tuple(a for a in arguments if a is not str)
    refusal: ParameterRefused | None = None
    for argument in arguments:
        if argument is type(None):
            continue
        try:
            return _value(argument, raw, path)
        except ParameterRefused as error:
            # The one that looked deepest says most about what is wrong.
            if refusal is None or error.param.count("[") > refusal.param.count("["):
                refusal = error
    raise refusal or ParameterRefused(path, f"Invalid value for {path}")


def _list(item: Any, raw: Any, path: str) -> list[Any]:
    if not isinstance(raw, list):
        _refuse(path, f"Invalid array: {path}")
    return [_value(item, each, f"{path}[{place}]") for place, each in enumerate(raw)]


def _map(item: Any, raw: Any, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        _refuse(path, f"Invalid hash: {path}")
    return {name: _value(item, each, _at(path, name)) for name, each in raw.items()}


def _scalar(hint: Any, raw: Any, path: str) -> Any:
    if not isinstance(raw, str):
        _refuse(path, f"Invalid {path}: must be a single value")
    try:
        if hint is bool:
            return {"true": True, "false": False}[raw]
        if hint is int:
            return int(raw)
        if hint in (float, Decimal):
            return Decimal(raw)
    except (ValueError, KeyError, InvalidOperation):
        _refuse(path, f"Invalid {getattr(hint, '__name__', hint)}: {raw}")
    if hint in (str, Any, object):
        return raw
    raise TypeError(f"{path}: a parameter of type {hint!r} is not known here")


def _refuse(path: str, message: str) -> NoReturn:
    raise ParameterRefused(path, message)


def _at(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
