"""Plan nodes as JSON and back, derived from their fields.

Guard 3 against losing a field: nothing here names a field. A node is ``{"node": "Scan", …its fields}``; a value inside
it (``Expr``, ``Column``) has no tag, because the field's type says which class it is. Reading is exact: an unknown or a
missing field, an unknown class or a value of another type is an error that names its place, never a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

import mvengine.planner.logical
import mvengine.planner.tail  # noqa: F401 - both register node classes
from mvengine.errors import FormatError, InternalError
from mvengine.planner.node import REGISTRY, Node, hints

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

TAG = "node"
"""The key under which a node's class stands; no field has this name."""


def encode(node: Node) -> dict[str, Json]:
    """The node and everything below it. Error: ``InternalError`` for a value of a type that fragments do not have."""
    return {TAG: type(node).__name__, **_encode_fields(node)}


def decode(document: object, path: str = "$") -> Node:
    """The node that ``encode`` gave. ``path`` is the document's place in a larger one, for messages.

    Error: ``FormatError`` that names the place in the document and what was expected there.
    """
    if not isinstance(document, dict):
        raise _wrong(path, "a node", document)
    if TAG not in document:
        raise FormatError(f"{path}: a node without its class: field {TAG!r} is missing")
    cls = REGISTRY.get(document[TAG]) if isinstance(document[TAG], str) else None
    if cls is None:
        raise FormatError(f"{path}: unknown node class {document[TAG]!r}", hint=_NEWER)
    node: Node = _decode_fields(cls, {key: value for key, value in document.items() if key != TAG}, path)
    return node


_NEWER = "the fragment was changed by hand, or written by another version of mvengine"


def _encode_fields(value: Any) -> dict[str, Json]:
    return {field.name: _encode(getattr(value, field.name)) for field in fields(value)}


def _encode(value: object) -> Json:
    match value:
        case Node():
            return encode(value)
        case StrEnum():
            return value.value
        case None | bool() | int() | str():
            return value
        case tuple():
            return [_encode(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _encode_fields(value)
    raise InternalError(f"a {type(value).__name__} cannot stand in a fragment: {value!r}")


def _decode_fields(cls: type, document: Mapping[str, object], path: str) -> Any:
    expected = hints(cls)
    if unknown := sorted(document.keys() - expected.keys()):
        raise FormatError(f"{path}: {cls.__name__} has no field {unknown[0]!r}", hint=_NEWER)
    if missing := [name for name in expected if name not in document]:
        raise FormatError(f"{path}: field {missing[0]!r} of {cls.__name__} is missing", hint=_NEWER)
    return cls(**{name: _decode(hint, document[name], f"{path}.{name}") for name, hint in expected.items()})


def _decode(hint: Any, value: object, path: str) -> Any:
    """The value that a field of type ``hint`` has."""
    origin = get_origin(hint)
    if origin is tuple:
        return _decode_tuple(get_args(hint), value, path)
    if origin in (Union, UnionType):
        return _decode_optional(hint, value, path)
    if hint in (str, int, bool):
        if type(value) is not hint:
            raise _wrong(path, hint.__name__, value)
        return value
    if not isinstance(hint, type):
        raise InternalError(f"{path}: no field of a node can have the type {hint}")
    if issubclass(hint, Node):
        node = decode(value, path)
        if not isinstance(node, hint):
            raise _wrong(path, f"a {hint.__name__}", value)
        return node
    if issubclass(hint, StrEnum):
        if not isinstance(value, str) or value not in [member.value for member in hint]:
            raise _wrong(path, "one of " + ", ".join(member.value for member in hint), value)
        return hint(value)
    if not is_dataclass(hint):
        raise InternalError(f"{path}: no field of a node can have the type {hint}")
    if not isinstance(value, dict):
        raise _wrong(path, f"the fields of a {hint.__name__}", value)
    return _decode_fields(hint, value, path)


def _decode_tuple(items: tuple[Any, ...], value: object, path: str) -> tuple[Any, ...]:
    """``tuple[X, ...]`` of any length, ``tuple[X, Y]`` of exactly two."""
    if not isinstance(value, list):
        raise _wrong(path, "a list", value)
    of_each = (items[0],) * len(value) if items[-1] is Ellipsis else items
    if len(of_each) != len(value):
        raise _wrong(path, f"a list of {len(of_each)}", value)
    return tuple(_decode(hint, item, f"{path}[{i}]") for i, (hint, item) in enumerate(zip(of_each, value, strict=True)))


def _decode_optional(hint: Any, value: object, path: str) -> Any:
    """``X | None``; other unions could not be told apart without a tag."""
    of_value = [member for member in get_args(hint) if member is not type(None)]
    if len(of_value) != 1:
        raise InternalError(f"{path}: no field of a node can have the type {hint}")
    return None if value is None else _decode(of_value[0], value, path)


def _wrong(path: str, expected: str, value: object) -> FormatError:
    found = f"a {value[TAG]}" if isinstance(value, dict) and isinstance(value.get(TAG), str) else repr(value)
    shown = found if len(found) <= 80 else found[:77] + "..."
    return FormatError(f"{path}: expected {expected}, found {shown}", hint=_NEWER)
