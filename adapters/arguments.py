"""The arguments of a tool call, between the JSON text that callers see and the object that native bodies hold."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from adapters.errors import InvalidParameter, MalformedReply, UnsupportedContent

_SHOWN = 64  # characters of the caller's own that a refusal repeats


def as_object(arguments: str, place: str) -> Raw:
    """Arguments as an object inside a native body. They go out as the text they are: nothing is lost by reading and writing.

    Args:
        place: Where they stand in the request, as the caller spells it.

    Raises:
        UnsupportedContent: They are not the JSON text of one object.
    """
    text = arguments.strip() or "{}"
    try:
        msgspec.json.decode(text, type=dict)
    except (ValueError, RecursionError) as error:
        raise UnsupportedContent(f"{place} is not the JSON text of one object", parameter=place) from error
    return Raw(text.encode())


def object_schema(schema: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The schema of a tool's arguments as one of an object alone: ``["object", "null"]`` allows one, and arguments are one.

    Args:
        place: Where it stands in the request, as the caller spells it.

    Raises:
        InvalidParameter: It allows no object.
    """
    stated = schema.get("type", "object")
    if stated == "object":
        return schema
    if isinstance(stated, list) and "object" in stated:
        return {**schema, "type": "object"}
    shown = msgspec.json.encode(stated).decode()[:_SHOWN]
    raise InvalidParameter(
        f'{place} is of type {shown}, and must be of type "object": a tool\'s arguments are one', parameter=place
    )


def as_text(native: Raw) -> str:
    """The JSON text of a native object, numbers as the model wrote them; ``""`` when it is empty or not there.

    Raises:
        MalformedReply: It is not JSON.
    """
    if not native:
        return ""
    try:
        text = msgspec.json.format(native, indent=-1).decode()
    except (ValueError, RecursionError) as error:
        raise MalformedReply("a tool call's arguments are not JSON") from error
    return "" if text in {"{}", "null"} else text
