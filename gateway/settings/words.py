"""A type said in words: the same in messages and in docs/configuration.md. Knows types only."""

from collections.abc import Callable
from typing import Any

from msgspec import inspect

# The patterns of gateway/settings/model.py as a person would say them; a new pattern needs a row.
_PATTERNS = {
    "^[a-z0-9-]{1,20}\\Z": "an AWS region",
    "^(redis|rediss|unix)://": "a URL that begins with redis://, rediss:// or unix://",
    "^(sqlite:///|postgresql://)": "a URL that begins with sqlite:/// or postgresql://",
    "^[A-Za-z0-9]{1,32}\\Z": "1 to 32 letters and digits",
    "^sha256:[0-9a-fA-F]{64}\\Z": "sha256: and the 64 hex digits of a key's SHA-256, as `quarry keys create` prints it",
    "^https?://[^/?#\\s]+/?\\Z": "a URL of scheme and host: https://HOST",
    "^s3://": "an S3 folder: s3://BUCKET/PREFIX/",
    "^([a-z0-9]{1,64}|arn:aws[a-z-]{0,20}:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64})\\Z": (
        "a guardrail's id or ARN, as in arn:aws:bedrock:us-west-2:123456789012:guardrail/a1b2c3d4e5f6"
    ),
    "^([1-9][0-9]{0,7}|DRAFT)\\Z": "DRAFT",
    "^[0-9a-f]{64}\\Z": "64 hexadecimal digits, in lower case",
}


def words(kind: Any) -> str:
    """``a whole number from 1 to 65535``; a leading article, no full stop."""
    return _said(inspect.type_info(kind))


def _said(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return _said(kind.type)
    return _TABLE[type(kind)](kind)


def _text(kind: inspect.StrType) -> str:
    if kind.pattern is not None:
        return _PATTERNS[kind.pattern]
    if kind.min_length is not None and kind.min_length > 1:
        return f"text of at least {kind.min_length} characters"
    return "text that is not empty" if kind.min_length else "text"


def _whole(kind: inspect.IntType) -> str:
    return f"a whole number{_bounds(kind)}"


def _number(kind: inspect.FloatType) -> str:
    return f"a number{_bounds(kind)}"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    if kind.ge is not None:
        return f" of at least {kind.ge}"
    return f" above {kind.gt}" if kind.gt is not None else ""


def _either(kind: inspect.UnionType) -> str:
    return " or ".join(_said(each) for each in kind.types if not isinstance(each, inspect.NoneType))


def _choice(kind: inspect.LiteralType) -> str:
    return f"one of {', '.join(str(value) for value in kind.values)}"


def _entries(kind: inspect.VarTupleType) -> str:
    entry = kind.item_type
    return "a list of mappings" if isinstance(entry, inspect.StructType) else f"a list; each {_said(entry)}"


_TABLE: dict[type[inspect.Type], Callable[[Any], str]] = {
    inspect.StrType: _text,
    inspect.BoolType: lambda _: "true or false",
    inspect.IntType: _whole,
    inspect.FloatType: _number,
    inspect.UnionType: _either,
    inspect.LiteralType: _choice,
    inspect.VarTupleType: _entries,
    inspect.DictType: lambda _: "a mapping",
    inspect.StructType: lambda _: "a mapping",
    inspect.BoolType: lambda _: "true or false",
    inspect.AnyType: lambda _: "any value",
}
