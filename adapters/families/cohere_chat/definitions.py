"""A JSON Schema of a tool's arguments as Command R's ``parameter_definitions``. Knows nothing of chats.

A definition has a Python type, a description and whether it is required. What a type can say is said by it; a bound on a
value is said in the description, as Cohere tells its users to; what neither can hold (an object with members of its own, a
condition) is refused by its place.

Source: Amazon Bedrock user guide, model-parameters-cohere-command-r-plus ("must be a valid Python type"); Cohere's v1
documentation, "What Parameter Types are Available in Tool Use?"; read 2026-11-27.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from adapters.arguments import object_schema
from adapters.errors import InvalidParameter

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")
# A schema that refers to itself ends at the one bound, one that refers to others many times over at the other.
_DEEPEST = 16
_STEPS = 1000
_SHOWN = 64  # characters of the caller's own that a refusal repeats

# What a value must be beyond its type, and how the description says it.
_BOUNDS = {
    "enum": "Possible enum values",
    "const": "The only possible value",
    "default": "Default",
    "format": "Format",
    "pattern": "Pattern",
    "minLength": "Shortest length",
    "maxLength": "Greatest length",
    "minimum": "Minimum",
    "maximum": "Maximum",
    "exclusiveMinimum": "More than",
    "exclusiveMaximum": "Less than",
    "multipleOf": "Multiple of",
    "minItems": "Fewest entries",
    "maxItems": "Most entries",
    "uniqueItems": "Entries are unique",
}
# What forbids no value, so that nothing is lost with it.
_NOTES = frozenset(
    [
        "title",
        "description",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
    ]
)
_ALWAYS = _NOTES | _BOUNDS.keys()
_EMPTY: tuple[Any, ...] = ({}, [], None)
_OPEN: tuple[Any, ...] = (*_EMPTY, True, False)


class _Said(NamedTuple):
    """A Python type, and what has to be said in words."""

    type: str
    words: tuple[str, ...] = ()


class _Container(NamedTuple):
    """How a type with members is written, and by which word of the schema they are described."""

    members: str
    bare: str
    form: str
    each: str


_CONTAINERS = {
    "array": _Container("items", "List", "List[{}]", "Each entry"),
    "object": _Container("additionalProperties", "Dict", "Dict[str, {}]", "Each value"),
}


class _Place(NamedTuple):
    """Where a schema stands in the request.

    Attributes:
        schemas: Those that it may refer to by name.
        steps: One is taken for each schema that is looked at.
    """

    path: str
    schemas: Mapping[str, Any]
    steps: Iterator[int]
    depth: int = 0

    def inner(self, step: str) -> "_Place":
        if self.depth == _DEEPEST or next(self.steps, None) is None:
            raise self.unsayable("a schema that refers to itself, or a very large one")
        return _Place(f"{self.path}.{step}", self.schemas, self.steps, self.depth + 1)

    def resolved(self, schema: Any) -> dict[str, Any]:
        """The schema with what it refers to put in its place; what stands beside the reference is stronger."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                raise self.unsayable("a schema that is no object")
            alone = schema.get("allOf")
            if isinstance(alone, list) and len(alone) == 1:
                schema = {**_mapping(alone[0]), **_without(schema, "allOf")}
            elif "$ref" in schema:
                schema = {**self._named(schema["$ref"]), **_without(schema, "$ref")}
            else:
                return schema
        raise self.unsayable("a schema that refers to itself")

    def _named(self, reference: Any) -> dict[str, Any]:
        found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if found is None or found[1] not in self.schemas:
            raise self.unsayable(f"$ref {_shown(reference)}")
        return _mapping(self.schemas[found[1]])

    def unsayable(self, what: str) -> InvalidParameter:
        return InvalidParameter(
            f'{self.path} holds {what}, which family "cohere_chat" cannot say: '
            "the arguments of its tools are simple types, lists and dictionaries",
            parameter=self.path,
        )


def definitions(schema: Mapping[str, Any], path: str) -> dict[str, dict[str, Any]]:
    """The definitions of an object schema's properties, in their order.

    Args:
        path: Where the schema stands in the request, for refusals.

    Raises:
        InvalidParameter: Something that no definition can say, named by its place.
    """
    place = _Place(path, {**_mapping(schema.get("definitions")), **_mapping(schema.get("$defs"))}, iter(range(_STEPS)))
    whole = dict(object_schema(place.resolved(dict(schema)), path))
    _refuse_others(whole, {"type", "properties", "required", "additionalProperties"}, place)
    if whole.get("additionalProperties") not in _OPEN:
        raise place.unsayable("arguments of any name (additionalProperties)")
    required = _list(whole.get("required"))
    made = {}
    for name, member in _mapping(whole.get("properties")).items():
        where = place.inner(f"properties.{name[:_SHOWN]}")
        if not _NAME.fullmatch(name):
            raise where.unsayable("a name with other characters than letters, digits and _, or with a digit first")
        made[name] = _definition(_said(member, where), required=name in required)
    return made


def _definition(said: _Said, *, required: bool) -> dict[str, Any]:
    described = {"description": " ".join(said.words)} if said.words else {}
    return {**described, "type": said.type, "required": required}


def _said(schema: Any, place: _Place) -> _Said:
    """What can be said of the values that a schema allows."""
    schema = place.resolved(schema)
    made = _typed(schema, place)
    return _Said(made.type, (*_words(schema), *made.words))


def _typed(schema: dict[str, Any], place: _Place) -> _Said:
    for word in ("anyOf", "oneOf"):
        if alternatives := schema.get(word):
            _refuse_others(schema, {word}, place)
            return _union([_said(one, place.inner(f"{word}[{index}]")) for index, one in enumerate(_list(alternatives))])
    stated = schema.get("type", _type_of_values(schema))
    if isinstance(stated, list):
        inner = {key: value for key, value in schema.items() if key not in _ALWAYS}
        return _union([_typed({**inner, "type": one}, place) for one in stated])
    _refuse_others(schema, {"type", "items", "additionalProperties"}, place)
    if isinstance(stated, str) and stated in _CONTAINERS:
        return _container(schema, _CONTAINERS[stated], place)
    if not isinstance(stated, str) or stated not in _TYPES:
        raise place.unsayable("a value of any type" if stated is None else f"type {_shown(stated)}")
    return _Said(_TYPES[stated])


def _container(schema: dict[str, Any], container: _Container, place: _Place) -> _Said:
    """A list or a dictionary: typed where the schema says of what, bare where it does not."""
    members = schema.get(container.members)
    if members in _OPEN:
        return _Said(container.bare)
    said = _said(members, place.inner(container.members))
    return _Said(container.form.format(said.type), tuple(f"{container.each}: {text}" for text in said.words))


def _union(kinds: Sequence[_Said]) -> _Said:
    """One of several; ``Optional`` where nothing at all is among them."""
    types = list(dict.fromkeys(kind.type for kind in kinds if kind.type != "None"))
    words = tuple(text for kind in kinds for text in kind.words)
    joined = types[0] if len(types) == 1 else f"Union[{', '.join(types)}]" if types else "None"
    return _Said(f"Optional[{joined}]" if types and any(kind.type == "None" for kind in kinds) else joined, words)


def _type_of_values(schema: dict[str, Any]) -> Any:
    """The type of a schema that only lists its values."""
    values = _list(schema.get("enum")) or ([schema["const"]] if "const" in schema else [])
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", type(None): "null"}
    found = list(dict.fromkeys(kinds.get(type(value)) for value in values))
    return found[0] if len(found) == 1 else found or None


def _words(schema: dict[str, Any]) -> Iterator[str]:
    if (description := schema.get("description")) and isinstance(description, str):
        yield description
    for name, phrase in _BOUNDS.items():
        value = schema.get(name)
        if value is not None and not (name == "uniqueItems" and value is False):
            yield f"{phrase}: {_listed(value)}."


def _listed(value: Any) -> str:
    return ", ".join(_plain(one) for one in value) if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _shown(value: Any) -> str:
    return _json(value)[:_SHOWN]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _refuse_others(schema: dict[str, Any], known: set[str], place: _Place) -> None:
    for key, value in schema.items():
        if key not in known and key not in _ALWAYS and value not in _EMPTY:
            raise place.unsayable(_shown(key))
