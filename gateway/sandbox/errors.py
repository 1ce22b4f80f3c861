"""AWS's errors as they look on the wire. Must never know why one was raised.

Names and statuses are those of botocore's service models for ``bedrock`` and ``bedrock-runtime``; the forms of the
``x-amzn-ErrorType`` header and of the authentication errors are those of recorded traffic.
"""

from collections.abc import Mapping
from typing import Any

BEDROCK = "http://internal.amazon.com/coral/com.amazon.bedrock/"
AUTHENTICATION = "http://internal.amazon.com/coral/com.amazon.coral.service/"

# name -> (HTTP status, the words used where nobody gave better ones)
KNOWN: dict[str, tuple[int, str]] = {
    "AccessDeniedException": (403, "You don't have access to the model with the specified model ID."),
    "ConflictException": (400, "The request conflicts with the current state of the resource."),
    "InternalServerException": (500, "The system encountered an unexpected error during processing. Try your request again."),
    "ModelErrorException": (424, "The model encountered an error while it processed the request."),
    "ModelNotReadyException": (429, "Model is not ready for inference. Wait and try your request again."),
    "ModelStreamErrorException": (424, "The model encountered an error while it streamed the response."),
    "ModelTimeoutException": (408, "Model has timed out in processing the request. Try your request again."),
    "ResourceNotFoundException": (404, "Could not resolve the foundation model from the provided model identifier."),
    "ServiceQuotaExceededException": (400, "Your request exceeds the service quota for your account."),
    "ServiceUnavailableException": (503, "Bedrock is unable to process your request."),
    "ThrottlingException": (429, "Too many requests, please wait before trying again."),
    "ValidationException": (400, "The provided model identifier is invalid."),
}
KNOWN_TO_AUTHENTICATION: dict[str, tuple[int, str]] = {
    "ExpiredTokenException": (403, "The security token included in the request is expired"),
    "IncompleteSignatureException": (403, "Authorization header is not complete."),
    "InvalidSignatureException": (
        403,
        (
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details."
        ),
    ),
    "MissingAuthenticationTokenException": (403, "Missing Authentication Token"),
    "RequestEntityTooLargeException": (413, "Request entity too large"),
    "UnrecognizedClientException": (403, "The security token included in the request is invalid."),
}


class AwsError(Exception):
    """One refusal, ready for the wire.

    Attributes:
        name: The exception's name, as boto3 will raise it.
        status: AWS's own for a known name; 400 for a name that we do not know, unless told.
        fields: Further members of the body, such as ``originalStatusCode``.
    """

    def __init__(
        self, name: str, message: str | None = None, *, status: int | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        known_status, known_message = (KNOWN | KNOWN_TO_AUTHENTICATION).get(name, (400, name))
        super().__init__(message or known_message)
        self.name = name
        self.message = message or known_message
        self.status = status or known_status
        self.fields = dict(fields or {})

    def type_header(self) -> str:
        """The value of ``x-amzn-ErrorType``: the name, then the namespace after a colon."""
        namespace = AUTHENTICATION if self.name in KNOWN_TO_AUTHENTICATION else BEDROCK
        return f"{self.name}:{namespace}"


def invalid(message: str) -> AwsError:
    """A ``ValidationException`` with these words."""
    return AwsError("ValidationException", message)


def malformed(violations: list[str]) -> AwsError:
    """The refusal of a native body; the wording for one and for several violations is as recorded.

    Args:
        violations: ``#/pointer: what is wrong`` each; never empty.
    """
    what = violations[0] if len(violations) == 1 else f"{len(violations)} schema violations found"
    return invalid(f"Malformed input request: {what}, please reformat your input and try again.")
