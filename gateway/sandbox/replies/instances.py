"""Makes a JSON value that a JSON Schema admits, filled from a text where the text has something to give. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway.sandbox.replies.numbers import NUMBER, Wanted, given_out
from gateway.sandbox.replies.words import STOP_WORDS, keywords, words

Schema = dict[str, Any]

_PROPER = re.compile(r"\b[A-Z][\w'-]*(?:[ ][A-Z][\w'-]*)*")
_QUOTED = re.compile(r"[\"“']([^\"”']+)[\"”']")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_NAMED = r"[\"'`](\w+)[\"'`]"
_CLOSED = {"properties", "additionalProperties", "required"}  # words that say what an object holds
_MEMBERS = re.compile(rf"((?:{_NAMED}(?:,? and |, | )?)+)(?:keys|fields|members)\b", re.IGNORECASE)
_DEPTH = 16

# Values for the formats that JSON Schema names, used when the text has none.
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Schema | bool, text: str, *, name: str = "") -> Any:
    """A value valid against the schema.

    Args:
        schema: ``type``, ``enum``, ``const``, ``properties``, ``required``, ``items``, bounds, ``anyOf``, ``oneOf``,
            ``allOf`` and ``$ref`` into ``$defs`` are followed; ``pattern`` and ``not`` are not.
        text: Where words, numbers and names are looked for.
        name: The member's name, which says what to look for.
    """
    root = schema if isinstance(schema, dict) else {}
    return _make(root, text, name, root, 0)


def _make(schema: Schema, text: str, name: str, root: Schema, depth: int) -> Any:
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _pick(schema["enum"], text)
    kind = _kind(schema)
    if kind == "object":
        return _make_object(schema, text, root, depth)
    if kind == "array":
        return _make_array(schema, text, name, root, depth)
    return _SCALARS[kind](schema, text, name)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow references and take the first branch of every choice, until the schema speaks for itself."""
    for _ in range(_DEPTH):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = _lookup(reference, root)
            continue
        branch = next((schema[word][0] for word in ("anyOf", "oneOf") if schema.get(word)), None)
        if branch is not None:
            schema = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}} | branch
            continue
        if schema.get("allOf"):
            schema = _merged(schema, root)
            continue
        break
    return schema


def _lookup(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#").split("/"):
        if part:
            found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _merged(schema: Schema, root: Schema) -> Schema:
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        whole = _resolved(part, root)
        properties = merged.get("properties", {}) | whole.get("properties", {})
        required = [*merged.get("required", ()), *whole.get("required", ())]
        merged = merged | whole | {"properties": properties, "required": required}
    return merged


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind if kind in {"object", "array"} or kind in _SCALARS else "string"
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _make_object(schema: Schema, text: str, root: Schema, depth: int) -> dict[str, Any]:
    """Every property, so that the reply shows the whole shape; deep down only the required ones, so that it ends."""
    properties: dict[str, Any] = schema.get("properties", {}) if schema.keys() & _CLOSED else _members_asked_for(text)
    required = schema.get("required", ())
    wanted = [name for name in properties if depth < _DEPTH // 4 or name in required]
    wanted += [name for name in required if name not in properties]
    members = {name: _resolved(_dictionary(properties.get(name)), root) for name in wanted if depth < _DEPTH}
    counted = {name: _wanted_number(member) for name, member in members.items() if _holds_number(member)}
    numbers = given_out(counted, text) if counted else {}
    return {
        name: _make(member, numbers.get(name, "") if name in counted else text, name, root, depth + 1)
        for name, member in members.items()
    }


def _members_asked_for(text: str) -> dict[str, Any]:
    """What an object that may hold anything is asked to hold: ``with 'name' and 'age' keys``."""
    found = _MEMBERS.search(text)
    return {name: {"type": "string"} for name in re.findall(_NAMED, found[1])} if found else {}


def _holds_number(schema: Schema) -> bool:
    return not {"const", "enum"} & set(schema) and _kind(schema) in {"integer", "number"}


def _wanted_number(schema: Schema) -> Wanted:
    return Wanted(str(schema.get("description", "")), is_whole=_kind(schema) == "integer")


def _dictionary(schema: Any) -> Schema:
    return schema if isinstance(schema, dict) else {}


def _make_array(schema: Schema, text: str, name: str, root: Schema, depth: int) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
    items = _resolved(_dictionary(schema.get("items")), root)
    if depth >= _DEPTH // 4:
        return [_make(items, text, name, root, depth + 1) for _ in range(least)]
    if _kind(items) == "string" and not {"enum", "const", "format"} & set(items):
        said = list(dict.fromkeys(keywords(text)))[: max(least, min(most, 3))]
        said += [f"item {position}" for position in range(len(said), least)]
        return [_sized(word, items) for word in said]
    return [_make(items, text, name, root, depth + 1) for _ in range(max(least, min(1, most)))]


def _pick(values: Sequence[Any], text: str) -> Any:
    """The enum value that the text names, else the first."""
    said = text.lower()
    return next((value for value in values if isinstance(value, str) and value.lower() in said), values[0])


def _make_string(schema: Schema, text: str, name: str) -> str:
    form = schema.get("format", "")
    if form in _FORMATS:
        date = _DATE.search(text) if form == "date" else None
        return date.group() if date else _FORMATS[form]
    hint = f"{name} {schema.get('description', '')}"
    return _sized(string_for(hint, text) or name.replace("_", " ") or "value", schema)


def _sized(text: str, schema: Schema) -> str:
    """Filled up or cut to the schema's lengths."""
    least = schema.get("minLength", 0)
    return text.ljust(least, ".")[: schema.get("maxLength", max(200, least))]


def string_for(hint: str, text: str) -> str | None:
    """What the text has to say for a member described by ``hint``; ``None`` when it has nothing.

    In order: what follows one of the hint's words (``city Paris``, ``order number 17``), something quoted, a date for a
    date, a proper noun that does not merely begin the sentence, else the text's keywords.
    """
    if "date" in words(hint) and (date := _DATE.search(text)):
        return date.group()
    for word in keywords(hint):
        after = re.search(
            rf"\b{re.escape(word)}s?\b(?: (?:is|of|in|for|number))?[:=#]? +(?=[A-Z0-9#])([\w#-]+)", text, re.IGNORECASE
        )
        if after and (after.group(1)[0].isupper() or after.group(1)[0].isdigit()):
            return after.group(1)
    if quoted := _QUOTED.search(text):
        return quoted.group(1)
    if proper := _proper_nouns(text):
        return proper[0]
    said = keywords(text)
    return " ".join(said[:6]) if said else None


def _proper_nouns(text: str) -> list[str]:
    """Capitalised words, without those that only begin a sentence; ``San Francisco`` stays together."""
    found = []
    for match in _PROPER.finditer(text):
        begins = match.start() == 0 or text[: match.start()].rstrip()[-1:] in set('.!?\n"')
        name = match.group()
        if begins:
            name = " ".join(name.split(" ")[1:])
        if name and name.lower() not in STOP_WORDS:
            found.append(name)
    return found


def _numbers(text: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(text)]


def _within(value: float, schema: Schema, step: float) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    value = value if low is None else max(low, value)
    return value if high is None else min(high, value)


def _make_integer(schema: Schema, text: str, _name: str) -> int:
    found = next((number for number in _numbers(text) if number.is_integer()), 1.0)
    value = int(_within(found, schema, 1))
    multiple = schema.get("multipleOf", 1)
    return -(-value // multiple) * multiple if isinstance(multiple, int) and multiple > 1 else value


def _make_number(schema: Schema, text: str, _name: str) -> float:
    return _within(next(iter(_numbers(text)), 1.0), schema, 0.01)


def _make_boolean(_schema: Schema, text: str, _name: str) -> bool:
    return not {"no", "not", "never", "without"} & set(words(text))


_SCALARS: dict[str, Callable[[Schema, str, str], Any]] = {
    "string": _make_string,
    "integer": _make_integer,
    "number": _make_number,
    "boolean": _make_boolean,
    "null": lambda _schema, _text, _name: None,
}
