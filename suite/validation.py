"""The part of JSON Schema 2020-12 that the suite's own schemas use, made into plain functions.

Records are read by the thousand, where no package for schemas is installed; a schema is compiled once into
closures that stop at the first thing that is wrong. Known keywords: ``type``, ``enum``, ``pattern``,
``minimum``, ``exclusiveMinimum``, ``maximum``, ``maxItems``, ``properties``, ``required``,
``additionalProperties``, ``items``, ``anyOf``, ``$ref`` into ``$defs``. Any other is an error, so that no
schema says more than is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str]
"""Takes a value as `json.loads` gives it; says what is wrong with it, or nothing."""

_NOTES = frozenset({"$schema", "$id", "$defs", "title", "description"})


def compile_schema(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Check:
    """A function that says what is wrong with a value: ``where: why``, or an empty text.

    Raises ``ValueError`` for a keyword that is not known here.
    """
    root = schema if root is None else root
    checks: list[Check] = []
    for keyword, argument in schema.items():
        if keyword in _NOTES or keyword in ("required", "additionalProperties"):
            continue  # the last two belong to ``properties``
        if keyword not in _KEYWORDS:
            raise ValueError(f"keyword {keyword!r} is not known here")
        checks.append(_KEYWORDS[keyword](argument, schema, root))
    if len(checks) == 1:
        return checks[0]

    def every(value: Any) -> str:
        for check in checks:
            if problem := check(value):
                return problem
        return ""

    return every


def quick_types(schema: Mapping[str, Any], root: Mapping[str, Any]) -> frozenset[type]:
    """Python types all of whose values fit a schema: of them nothing needs to be looked at but the type."""
    if "$ref" in schema and schema.keys() <= _NOTES | {"$ref"}:
        return quick_types(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema and schema.keys() <= _NOTES | {"anyOf"}:
        return frozenset().union(*(quick_types(one, root) for one in schema["anyOf"]))
    if "type" in schema and schema.keys() <= _NOTES | {"type"}:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return frozenset(kind for name in names for kind in _QUICK[name])
    return frozenset()


_QUICK: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "array": (list,),
    "object": (dict,),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _type(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    names = [argument] if isinstance(argument, str) else argument
    tests = [_TYPES[name] for name in names]
    words = f"is no {' or '.join(names)}"
    if len(tests) == 1:
        only = tests[0]
        return lambda value: "" if only(value) else words
    return lambda value: "" if any(test(value) for test in tests) else words


def _enum(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    if not all(isinstance(one, str) for one in argument):
        raise ValueError("enum of other values than texts is not known here")
    return lambda value: "" if isinstance(value, str) and value in argument else f"is none of {argument}"


def _pattern(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    found = re.compile(argument).search
    return lambda value: "" if not isinstance(value, str) or found(value) else f"is not like {argument}"


def _bound(words: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Check]:
    def keyword(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
        said = f"is {words} {argument}"
        return lambda value: "" if not _is_number(value) or holds(value, argument) else said

    return keyword


def _max_items(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    def check(value: Any) -> str:
        return f"has more than {argument} items" if isinstance(value, list) and len(value) > argument else ""

    return check


def _items(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    each, quick = compile_schema(argument, root), quick_types(argument, root)

    def check(value: Any) -> str:
        if isinstance(value, list):
            for position, item in enumerate(value):
                if type(item) not in quick and (problem := each(item)):
                    return _inside(f"[{position}]", problem)
        return ""

    return check


def _properties(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    known = {name: compile_schema(inner, root) for name, inner in argument.items()}
    quick = {name: quick_types(inner, root) for name, inner in argument.items()}
    required = tuple(schema.get("required", ()))
    more = schema.get("additionalProperties", True)
    other: Check = compile_schema(more, root) if isinstance(more, Mapping) else _allow if more else _refuse
    others = quick_types(more, root) if isinstance(more, Mapping) else frozenset()

    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return ""
        for name in required:
            if name not in value:
                return f"lacks {name}"
        for name, item in value.items():
            if type(item) in quick.get(name, others):
                continue
            if problem := known.get(name, other)(item):
                return _inside(name, problem)
        return ""

    return check


def _allow(value: Any) -> str:
    return ""


def _refuse(value: Any) -> str:
    return "is not known"


def _any_of(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    choices = [compile_schema(one, root) for one in argument]

    def check(value: Any) -> str:
        problems = []
        for choice in choices:
            if not (problem := choice(value)):
                return ""
            problems.append(problem)
        return problems[0]

    return check


def _ref(argument: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    return compile_schema(root["$defs"][argument.removeprefix("#/$defs/")], root)


def _inside(name: str, problem: str) -> str:
    """A problem with the place in front: ``values[2].unit: is no string``."""
    place = name if name.startswith("[") else f"{name[:40]!r}" if not name.isidentifier() else name
    inner, colon, words = problem.partition(": ")
    if not colon:
        return f"{place}: {problem}"
    return f"{place}{'' if inner.startswith('[') else '.'}{inner}: {words}"


_KEYWORDS: dict[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Check]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _bound("below", lambda value, least: value >= least),
    "exclusiveMinimum": _bound("not above", lambda value, least: value > least),
    "maximum": _bound("above", lambda value, most: value <= most),
    "maxItems": _max_items,
    "items": _items,
    "properties": _properties,
    "anyOf": _any_of,
    "$ref": _ref,
}
