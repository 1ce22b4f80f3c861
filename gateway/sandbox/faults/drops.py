"""Faults that lose the connection before the first byte of the reply."""

from gateway.sandbox.caller import Caller, Dropped
from gateway.sandbox.faults.fault import Fault


class Reset(Fault, frozen=True):
    """The connection is reset (RST) before any work is done."""

    def refuse(self) -> None:
        raise Dropped(reset=True)


class CommitThenDrop(Fault, frozen=True):
    """The work is done and counted, then the connection closes without a byte: a retry does it twice."""

    async def hold(self, caller: Caller) -> None:  # noqa: ARG002 - the moment is the same for every kind
        raise Dropped(reset=False)
