"""What a fault is: three moments at which it may act, each of which does nothing unless a kind says so. Knows no AWS."""

import re
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from gateway.sandbox.caller import Caller

Count = Annotated[int, Meta(ge=1)]
Chunks = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a fault meets; ``*`` and ``?`` are wild.

    Attributes:
        operation: AWS's name, such as ``InvokeModel``.
        arn: The ``modelId`` as the caller gave it, or the ARN that it means.
    """

    operation: str = "*"
    arn: str = "*"

    def meets(self, operation: str, identifiers: tuple[str, ...]) -> bool:
        """Whether a request for this operation on a thing of these names is meant."""
        named = self.arn == "*" or any(fnmatchcase(identifier, self.arn) for identifier in identifiers)
        return named and fnmatchcase(operation, self.operation)


class Fault(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=lambda name: re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", name).lower(),
):
    """One misfortune.

    Attributes:
        match: Which requests it meets; all, unless told.
        times: How many requests it meets before it is gone; until it is deleted, unless told.
    """

    match: Match = Match()
    times: Count | None = None

    streams_only: ClassVar[bool] = False

    def refuse(self) -> None:
        """Before the work: raise to answer something else instead."""

    async def hold(self, caller: Caller) -> None:
        """The work is done and nothing is written yet: wait, or raise ``Dropped``."""

    def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:  # noqa: ARG002 - kinds need it
        """Pass the body on, changed: frames of a stream one by one, or the whole body as one piece."""
        return pieces
