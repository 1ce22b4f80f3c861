"""Stops working for a caller who has gone: neither the server nor Litestar does, and a paid generation would run on unread.

And the other way round: turns the server's own "no longer" into an error that a caller who is still there can be told.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, cast

from litestar.types import Scope

from gateway.errors import Overloaded

EXTENSION = "quarry.connection"
"""Where ``gateway.protocol`` puts the connection into a request's scope."""


class Connection(Protocol):
    """The caller's connection, as far as a handler needs it."""

    on_leaving: Callable[[], None] | None
    is_lost: bool


class UntilGone:
    """A block that is cancelled, quietly, when the caller disconnects.

    The cancellation is asyncio's own, told apart from any other as ``asyncio.timeout`` does it: ours ends with the block,
    the server's, when a drain has taken too long, becomes an error to send.

    Raises:
        Overloaded: The server cancelled the block, and the caller is there to be told.
    """

    __slots__ = ("_connection", "_gone", "_others", "_task")

    def __init__(self, scope: Scope) -> None:
        self._connection = cast("Connection", (scope["extensions"] or {})[EXTENSION])
        self._gone = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._others = self._task.cancelling() if self._task is not None else 0
        self._connection.on_leaving = self._leave
        if self._connection.is_lost:
            self._leave()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self._connection.on_leaving = None
        if self._task is None or (kind is not asyncio.CancelledError and not self._gone):
            return False
        others = self._task.uncancel()
        if not self._gone:
            raise Overloaded("The gateway is stopping and could not end this request in time", retry_after_seconds=1.0)
        return others <= self._others and kind is asyncio.CancelledError

    def _leave(self) -> None:
        self._gone = True
        if self._task is not None:
            self._task.cancel()
