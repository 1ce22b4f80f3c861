"""The bytes of a request to a model: everything but the body is laid out, dated and half signed once a second. Sends nothing."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.bedrock.hosts import Endpoint, Operation, guardrail_path, model_path
from gateway.bedrock.signing import Credentials, Dated, Layout, dated, lay_out, layout, signature

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, and values."""

_JSON_HEADERS = (("content-type", "application/json"),)
_HEADERS: Mapping[tuple[Operation, bool], Headers] = {
    ("invoke", False): (("content-type", "application/json"), ("accept", "application/json")),
    ("invoke", True): (("content-type", "application/json"), ("x-amzn-bedrock-accept", "application/json")),
    ("converse", False): _JSON_HEADERS,
    ("converse", True): _JSON_HEADERS,
    ("apply-guardrail", False): _JSON_HEADERS,
}


def usual_headers(operation: Operation, *, stream: bool) -> Headers:
    """What an operation wants beside the host."""
    return _HEADERS[operation, stream]


class Address(NamedTuple):
    """What a request asks and where: the same for all requests to one target in one way.

    Attributes:
        arn: What Bedrock calls ``modelId``; of a guardrail ``<id or ARN>:<version>``.
        stream: Whether the reply is to be streamed.
    """

    place: Endpoint
    region: str
    arn: str
    operation: Operation
    stream: bool

    @property
    def path(self) -> str:
        """The path on the request line."""
        if self.operation == "apply-guardrail":
            return self.place.base_path + guardrail_path(self.arn)
        return self.place.base_path + model_path(self.arn, stream=self.stream, operation=self.operation)

    @property
    def headers(self) -> Headers:
        """What the operation wants beside the host."""
        return usual_headers(self.operation, stream=self.stream)


class _Head(NamedTuple):
    """The head of all requests to one address in one second, up to the signature."""

    second: int
    credentials: Credentials
    date: Dated
    lines: bytes


class Requests:
    """Writes requests, and keeps the heads of those addresses that were asked last: targets come from the configuration."""

    def __init__(self) -> None:
        self._heads: dict[Address, _Head] = {}

    def signed(self, address: Address, body: bytes, credentials: Credentials, *, at: float) -> bytes:
        """A request signed with credentials.

        Args:
            at: Unix seconds, by AWS's clock as far as we know it.
        """
        head = self._heads.get(address)
        if head is None or head.second != int(at) or head.credentials is not credentials:
            plan = layout("POST", address.path, "", address.place.host_header, address.headers, credentials.token)
            head = self._heads[address] = _head(address, credentials, int(at), plan)
        return _whole(head, body)


def signed_once(address: Address, body: bytes, credentials: Credentials, *, at: float, headers: Headers) -> bytes:
    """A request signed with credentials, with a caller's headers instead of the usual ones. Nothing of it is kept."""
    plan = lay_out("POST", address.path, "", address.place.host_header, headers, credentials.token)
    return _whole(_head(address, credentials, int(at), plan), body)


def with_bearer(address: Address, body: bytes, token: str, headers: Headers = ()) -> bytes:
    """A request that a bearer token vouches for; ``headers`` instead of the usual ones, if any."""
    plan = lay_out("POST", address.path, "", address.place.host_header, headers or address.headers, None)
    return b"%sauthorization: Bearer %s\r\ncontent-length: %d\r\n\r\n%s" % (
        _opening(address.path, plan.lines),
        token.encode(),
        len(body),
        body,
    )


def _head(address: Address, credentials: Credentials, second: int, plan: Layout) -> _Head:
    date = dated(plan, credentials, region=address.region, second=second)
    own = f"x-amz-date: {date.moment}\r\nauthorization: {date.authorization}"
    return _Head(second, credentials, date, _opening(address.path, plan.lines) + own.encode())


def _whole(head: _Head, body: bytes) -> bytes:
    return b"%s%s\r\ncontent-length: %d\r\n\r\n%s" % (head.lines, signature(head.date, body).encode(), len(body), body)


def _opening(path: str, lines: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\n{lines}user-agent: quarry\r\n".encode()
