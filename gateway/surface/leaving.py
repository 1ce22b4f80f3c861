"""Stops working for a caller who has gone: neither the server nor Litestar does, and a paid generation would run on unread."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, cast

from litestar.types import Scope

EXTENSION = "quarry.connection"
"""Where ``gateway.protocol`` puts the connection into a request's scope."""


class Connection(Protocol):
    """The caller's connection, as far as a handler needs it."""

    on_leaving: Callable[[], None] | None
    is_lost: bool


class UntilGone:
    """A block that is cancelled, quietly, when the caller disconnects.

    The cancellation is asyncio's own, told apart from any other as ``asyncio.timeout`` does it: ours ends with the block,
    another's goes on outward.
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
        if not self._gone or self._task is None:
            return False
        return self._task.uncancel() <= self._others and kind is asyncio.CancelledError

    def _leave(self) -> None:
        self._gone = True
        if self._task is not None:
            self._task.cancel()
