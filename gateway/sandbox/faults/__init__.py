"""Everything that can go wrong, on request. One class per misfortune; its fields are its JSON and its documentation."""

from gateway.sandbox.faults.delays import Drip, SlowFirstToken, Stall
from gateway.sandbox.faults.drops import CommitThenDrop, Reset
from gateway.sandbox.faults.fault import Fault, Match
from gateway.sandbox.faults.refusals import Coral200, CoralReply, Error, NotReady, Throttle
from gateway.sandbox.faults.wounds import BadCrc, CloseWithoutEnd, CutMidFrame, ExceptionFrame

AnyFault = (
    Throttle
    | NotReady
    | Error
    | Coral200
    | Reset
    | CommitThenDrop
    | SlowFirstToken
    | Stall
    | Drip
    | CutMidFrame
    | CloseWithoutEnd
    | BadCrc
    | ExceptionFrame
)

__all__ = [
    "AnyFault",
    "BadCrc",
    "CloseWithoutEnd",
    "CommitThenDrop",
    "Coral200",
    "CoralReply",
    "CutMidFrame",
    "Drip",
    "Error",
    "ExceptionFrame",
    "Fault",
    "Match",
    "NotReady",
    "Reset",
    "SlowFirstToken",
    "Stall",
    "Throttle",
]
