"""The arguments of a tool call, between the JSON text that callers see and the object that native bodies hold."""

import msgspec
from msgspec import Raw

from adapters.errors import MalformedReply, UnsupportedContent


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
