"""Fields that OpenAI's endpoints share and that no family honours: refused, or accepted and reported back. Reads no body."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from gateway.errors import InvalidRequest

Unsupported = Mapping[str, tuple[tuple[Any, ...], str]]
"""Fields that nothing here can honour: the values that mean no more than leaving them out, and what to do instead."""


class StreamOptions(Protocol):
    """How a stream is wanted."""

    @property
    def include_usage(self) -> bool | None: ...


def refuse_unsupported(asked: object, unsupported: Unsupported, *, inside: str = "") -> None:
    """Refuse a value that would change the answer.

    Args:
        inside: What stands before the fields' names, where they are not the body's own.

    Raises:
        InvalidRequest: The message says what to do instead.
    """
    for name, (harmless, instead) in unsupported.items():
        value = getattr(asked, name)
        if value is not None and value not in harmless:
            where = inside + name.rstrip("_")
            raise InvalidRequest(f"{where} is not supported: {instead}", parameter=where)


def said(asked: object, names: Iterable[str]) -> set[str]:
    """Those of the fields that the caller sent."""
    return {name for name in names if getattr(asked, name) is not None}


def wants_usage(options: StreamOptions | None, stream: bool | None) -> bool:
    """Whether the usage chunk is asked for.

    Raises:
        InvalidRequest: Options for a stream that is none.
    """
    if options is None:
        return False
    if not stream:
        raise InvalidRequest("stream_options is only for stream: true", parameter="stream_options")
    return options.include_usage or False
