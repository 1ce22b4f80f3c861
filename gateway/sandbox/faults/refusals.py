"""Faults that answer instead of the model. No work is done, nothing is counted."""

from gateway.sandbox.errors import AwsError
from gateway.sandbox.faults.fault import Fault


class CoralReply(Exception):
    """Answer 200 with AWS's "unknown operation" body, as a path that no operation has is answered."""


class Throttle(Fault, frozen=True):
    """429 ``ThrottlingException``: the account's or the model's quota is spent.

    Attributes:
        message: AWS's words; there are several.
    """

    message: str = "Too many requests, please wait before trying again."

    def refuse(self) -> None:
        raise AwsError("ThrottlingException", self.message)


class NotReady(Fault, frozen=True):
    """429 ``ModelNotReadyException``, whatever the model's real warmth."""

    def refuse(self) -> None:
        raise AwsError("ModelNotReadyException")


class Error(Fault, frozen=True):
    """Any AWS error.

    Attributes:
        name: Such as ``ModelErrorException``.
        message: AWS's own words for a known name, unless told.
        status: AWS's own for a known name, else 400, unless told.
        original_status_code: For ``ModelErrorException`` and ``ModelStreamErrorException``.
    """

    name: str
    message: str | None = None
    status: int | None = None
    original_status_code: int | None = None

    def refuse(self) -> None:
        fields = {} if self.original_status_code is None else {"originalStatusCode": self.original_status_code}
        raise AwsError(self.name, self.message, status=self.status, fields=fields)


class Coral200(Fault, frozen=True):
    """HTTP 200 whose body says that the operation is unknown: a success to whoever looks at the status alone."""

    def refuse(self) -> None:
        raise CoralReply
