"""Checks a native body against a small JSON Schema and words the findings as Bedrock does. Knows no family.

Bedrock's own wording is that of a Java validator, which callers see in messages such as
``#: extraneous key [stop] is not permitted``. Only the keywords that our bodies need are understood,
and ``values``: what every property must be that ``properties`` does not name.
"""

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_TYPE_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
    "null": "Null",
}


def is_a(value: Any, type_name: str) -> bool:
    """Whether a decoded JSON value has this JSON Schema type."""
    return _TYPES[type_name](value)


def _found(value: Any) -> str:
    if isinstance(value, float):
        return "BigDecimal"
    return next(_TYPE_NAMES[name] for name in _TYPES if is_a(value, name))


def violations(value: Any, schema: Schema, pointer: str = "#") -> list[str]:
    """Everything in ``value`` that ``schema`` forbids, each as ``#/pointer: words``; empty when it is well."""
    expected = schema.get("type")
    if expected is None:
        return _not_in_enum(value, schema, pointer)
    types = [expected] if isinstance(expected, str) else expected
    matching = next((name for name in types if is_a(value, name)), None)
    if matching is None:
        wanted = " or ".join(_TYPE_NAMES[name] for name in types)
        return [f"{pointer}: expected type: {wanted}, found: {_found(value)}"]
    found = _not_in_enum(value, schema, pointer)
    check = _CHECKS.get(matching)
    return found + (check(value, schema, pointer) if check else [])


def _not_in_enum(value: Any, schema: Schema, pointer: str) -> list[str]:
    allowed = schema.get("enum")
    return [] if allowed is None or value in allowed else [f"{pointer}: {value} is not a valid enum value"]


def _check_object(value: dict[str, Any], schema: Schema, pointer: str) -> list[str]:
    properties = schema.get("properties", {})
    found = [f"{pointer}: required key [{key}] not found" for key in schema.get("required", ()) if key not in value]
    for key, member in value.items():
        if key in properties:
            found += violations(member, properties[key], f"{pointer}/{key}")
        elif "values" in schema:
            found += violations(member, schema["values"], f"{pointer}/{key}")
        elif schema.get("additionalProperties") is False:
            found.append(f"{pointer}: extraneous key [{key}] is not permitted")
    return found


def _check_array(value: list[Any], schema: Schema, pointer: str) -> list[str]:
    found = []
    if len(value) < schema.get("minItems", 0):
        found.append(f"{pointer}: expected minimum item count: {schema['minItems']}, found: {len(value)}")
    if len(value) > schema.get("maxItems", len(value)):
        found.append(f"{pointer}: expected maximum item count: {schema['maxItems']}, found: {len(value)}")
    for position, item in enumerate(value):
        found += violations(item, schema.get("items", {}), f"{pointer}/{position}")
    return found


def _check_number(value: float, schema: Schema, pointer: str) -> list[str]:
    found = []
    if value < schema.get("minimum", value):
        found.append(f"{pointer}: {value} is not greater or equal to {schema['minimum']}")
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        found.append(f"{pointer}: {value} is not greater than {schema['exclusiveMinimum']}")
    if value > schema.get("maximum", value):
        found.append(f"{pointer}: {value} is not less or equal to {schema['maximum']}")
    return found


def _check_string(value: str, schema: Schema, pointer: str) -> list[str]:
    found = []
    if len(value) < schema.get("minLength", 0):
        found.append(f"{pointer}: expected minLength: {schema['minLength']}, actual: {len(value)}")
    if len(value) > schema.get("maxLength", len(value)):
        found.append(f"{pointer}: expected maxLength: {schema['maxLength']}, actual: {len(value)}")
    return found


_CHECKS: dict[str, Callable[[Any, Schema, str], list[str]]] = {
    "object": _check_object,
    "array": _check_array,
    "number": _check_number,
    "integer": _check_number,
    "string": _check_string,
}


def closed(properties: dict[str, Schema], *required: str) -> Schema:
    """An object that admits these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def number(low: float, high: float, *, above: bool = False) -> Schema:
    """A number from ``low`` (itself excluded with ``above``) to ``high``."""
    return {"type": "number", "exclusiveMinimum" if above else "minimum": low, "maximum": high}


def integer(low: int, high: int) -> Schema:
    """A whole number from ``low`` to ``high``, both included."""
    return {"type": "integer", "minimum": low, "maximum": high}


def strings(most: int) -> Schema:
    """A list of at most this many strings."""
    return {"type": "array", "items": {"type": "string"}, "maxItems": most}


_ANY_NUMBER: Schema = {"type": "number"}
_LENGTH: Schema = {"type": "integer", "minimum": 0, "maximum": 10_000}
_PARTS: Schema = {"type": "array", "items": {"type": ["object", "boolean"]}, "minItems": 1}

# What a JSON Schema that a caller sends may look like; parts of it are looked at one by one.
_META: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1},
        "description": {"type": "string"},
        "format": {"type": "string"},
        "properties": {"type": "object", "values": {"type": ["object", "boolean"]}},
        "$defs": {"type": "object", "values": {"type": ["object", "boolean"]}},
        "definitions": {"type": "object", "values": {"type": ["object", "boolean"]}},
        "required": {"type": "array", "items": {"type": "string"}},
        "items": {"type": ["object", "boolean"]},
        "enum": {"type": "array", "minItems": 1},
        "anyOf": _PARTS,
        "oneOf": _PARTS,
        "allOf": _PARTS,
        "$ref": {"type": "string"},
        "minLength": _LENGTH,
        "maxLength": _LENGTH,
        "minItems": _LENGTH,
        "maxItems": _LENGTH,
        "minimum": _ANY_NUMBER,
        "maximum": _ANY_NUMBER,
        "exclusiveMinimum": _ANY_NUMBER,
        "exclusiveMaximum": _ANY_NUMBER,
        "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    },
}
_DEEPEST = 64


def ill_formed(schema: Any, pointer: str = "#", depth: int = 0) -> list[str]:
    """What is wrong with a JSON Schema itself, at any depth; empty when it is well formed."""
    if isinstance(schema, bool):
        return []
    if depth > _DEEPEST:
        return [f"{pointer}: the schema is nested too deeply"]
    found = violations(schema, _META, pointer)
    if found:
        return found
    inner = [(word, schema[word]) for word in ("items",) if word in schema]
    for word in ("properties", "$defs", "definitions"):
        inner += [(f"{word}/{name}", part) for name, part in schema.get(word, {}).items()]
    for word in ("anyOf", "oneOf", "allOf"):
        inner += [(f"{word}/{position}", part) for position, part in enumerate(schema.get(word, ()))]
    return [problem for path, part in inner for problem in ill_formed(part, f"{pointer}/{path}", depth + 1)]
