"""What was asked of the sandbox, for tests and the curious. Bounded; decides nothing."""

import uuid
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import Any

from msgspec import Struct, field

from gateway.sandbox.reply import Request

_KEPT = 10_000
_LARGEST_BODY = 65_536
_SECRETS = frozenset({"authorization", "x-amz-security-token"})


class Record(Struct):
    """One request to the Bedrock side of the sandbox.

    Attributes:
        id: The ``x-amzn-RequestId`` of the reply.
        time: When it came, on the sandbox's clock, seconds since 1970.
        operation: AWS's name; ``Unknown`` for a path that no operation has.
        arn: The ``modelId`` or other identifier as the caller gave it.
        status: HTTP status of the reply; ``None`` while there is none, and for ever if the connection was cut before.
        error: AWS's name of the error.
        body: The decoded body of the request; ``{"omitted_bytes": n}`` for a large one, ``None`` if it was not JSON.
        headers: As they came, the credentials aside; names in lower case.
        faults: Names of the faults that it met.
        input_tokens: Tokens of the prompt, once the model has read it.
        output_tokens: Tokens generated so far, or in all; what AWS would bill.
        completed: The reply was generated to its end.
        received_at: When it came, on ``time.monotonic()``, which all processes of a Linux machine share.
        client_closed_at: When the caller was seen to leave before the end, on the same clock; else ``None``.
        client_closed_after_seconds: From its coming to its leaving.
        ended_at: When the sandbox was done with it, on the same clock.
    """

    id: str
    time: float
    operation: str
    arn: str | None = None
    status: int | None = None
    error: str | None = None
    body: Any = None
    headers: dict[str, str] = {}
    faults: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    completed: bool = False
    received_at: float = field(default_factory=monotonic)
    client_closed_at: float | None = None
    client_closed_after_seconds: float | None = None
    ended_at: float | None = None

    def close(self, left_at: float | None) -> None:
        """The request is over; ``left_at`` when the caller did not wait for that."""
        self.ended_at = monotonic()
        if left_at is not None:
            self.client_closed_at = left_at
            self.client_closed_after_seconds = left_at - self.received_at


class Log:
    """The latest 10,000 requests, newest last."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=_KEPT)

    def open(self, operation: str, arn: str | None, request: Request, body: Any, at: float) -> Record:
        """Note a request as it comes; the record is filled in while it is answered."""
        size = len(request.body)
        shown = body if size <= _LARGEST_BODY else {"omitted_bytes": size}
        headers = {name: value for name, value in request.headers if name not in _SECRETS}
        record = Record(str(uuid.uuid4()), at, operation, arn, body=shown, headers=headers)
        self._records.append(record)
        return record

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)
