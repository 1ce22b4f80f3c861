"""One exchange with a model: an ARN and a native body in, native chunks out. Knows no family and no target.

Everything that Bedrock can do wrong leaves here as a GatewayError; whether a stream is *complete* only its family's
reader can tell, by the terminal event that HTTP and frames know nothing of.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from gateway.bedrock import faults, frames
from gateway.bedrock.client import Client, Reply, Timeouts
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.hosts import Endpoint, Operation, endpoint
from gateway.bedrock.requests import Address, Headers, Requests, signed_once, with_bearer
from gateway.bedrock.signing import Credentials
from gateway.errors import GatewayError, UpstreamError

SERVICE = "bedrock-runtime"
_OK = 200  # a member of HTTPStatus costs a microsecond to look up
_EVENT_STREAM = b"application/vnd.amazon.eventstream"
_JSON = b"application/json"
_COUNTED = tuple(
    b"x-amzn-bedrock-%s-token-count" % kind for kind in (b"input", b"output", b"cache-read-input", b"cache-write-input")
)
_LEAST_SKEW_SECONDS = 60.0  # AWS allows five minutes; less than one is not worth believing a stranger's clock for


class FrameDecoder(Protocol):
    """Reads the frames of one stream: ``frames.Decoder``, or one that also keeps their bytes."""

    @property
    def broken(self) -> frames.CorruptFrame | None: ...
    def feed(self, data: bytes) -> list[frames.Frame]: ...
    def end(self) -> None: ...


class TokenCounts(NamedTuple):
    """What Bedrock counted, from its reply's headers. ``input`` excludes what the cache counts."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


class Runtime:
    """Bedrock's runtime, for any number of regions and identities.

    Args:
        client: Closed with the runtime.
        credentials: Closed with the runtime.
        endpoint_urls: Overrides by service name.
        fips, dual_stack: The values of ``AWS_USE_FIPS_ENDPOINT`` and ``AWS_USE_DUALSTACK_ENDPOINT``.
        now: Unix seconds, for signatures.

    Attributes:
        skew_seconds: How far ours is behind AWS's clock, learned from a refused signature; 0 until then.
    """

    def __init__(
        self,
        client: Client,
        credentials: CredentialSource,
        *,
        endpoint_urls: Mapping[str, str],
        fips: bool = False,
        dual_stack: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.skew_seconds = 0.0
        self._client = client
        self._credentials = credentials
        self._endpoint_urls = dict(endpoint_urls)
        self._fips = fips
        self._dual_stack = dual_stack
        self._now = now
        self._endpoints: dict[str, Endpoint] = {}
        self._requests = Requests()

    def invoke(
        self,
        arn: str,
        body: bytes,
        *,
        region: str,
        role_arn: str | None = None,
        stream: bool,
        operation: Operation = "invoke",
        headers: Headers = (),
        decoder: FrameDecoder | None = None,
        connect_seconds: float,
        first_byte_seconds: float,
        between_bytes_seconds: float,
        deadline: float | None,
    ) -> "Exchange":
        """Prepare one exchange; ``async with`` starts it.

        Args:
            body: The native body, JSON.
            role_arn: The role to call as, instead of the gateway's own identity.
            operation: ``converse`` hands each typed event on as a chunk ``{"<event type>": <payload>}``; ``apply-guardrail``
                asks a guardrail, and ``arn`` is ``<its id or ARN>:<version>``.
            headers: To send instead of the usual ones.
            decoder: For who wants more of the frames than their chunks.
            first_byte_seconds: Until the head of the reply and, of a stream, its first frame.
            between_bytes_seconds: From one frame to the next: bytes that complete none do not count.
            deadline: Monotonic seconds. When it passes the error is DeadlineExceeded; when one of the others does,
                UpstreamTimeout.
        """
        timeouts = Timeouts(connect_seconds, first_byte_seconds, between_bytes_seconds, deadline)
        return Exchange(
            self,
            arn,
            body,
            region=region,
            role_arn=role_arn,
            stream=stream,
            operation=operation,
            headers=headers,
            decoder=decoder,
            timeouts=timeouts,
        )

    async def aclose(self) -> None:
        """Close every connection and stop renewing credentials."""
        await self._client.aclose()
        await self._credentials.aclose()

    async def ask(self, exchange: "Exchange") -> Reply:
        """Sign and send once. The exchange's business alone."""
        place = self._endpoint(exchange.region)
        address = Address(place, exchange.region, exchange.arn, exchange.operation, exchange.stream)
        if token := self._bearer_for(place, exchange):
            request = with_bearer(address, exchange.body, token, exchange.headers)
        else:
            credentials = self._credentials.current(exchange.role_arn) or await self._fetched(exchange)
            at = self._now() + self.skew_seconds
            if exchange.headers:
                request = signed_once(address, exchange.body, credentials, at=at, headers=exchange.headers)
            else:
                request = self._requests.signed(address, exchange.body, credentials, at=at)
        return await self._client.send(place.origin, request, exchange.timeouts)

    def learn_skew(self, headers: Mapping[bytes, bytes]) -> bool:
        """After a refused signature: whether AWS's clock says something about ours that we did not know."""
        try:
            theirs = parsedate_to_datetime(headers[b"date"].decode("latin-1")).timestamp()
        except (KeyError, ValueError):
            return False
        skew = theirs - self._now()
        if abs(skew - self.skew_seconds) < _LEAST_SKEW_SECONDS:
            return False
        self.skew_seconds = skew
        return True

    def _bearer_for(self, place: Endpoint, exchange: "Exchange") -> str | None:
        """The bearer token, where it may be sent: over HTTPS, and for our own identity alone."""
        return self._credentials.bearer_token if exchange.role_arn is None and place.origin.scheme == "https" else None

    async def _fetched(self, exchange: "Exchange") -> Credentials:
        timeouts = exchange.timeouts
        try:
            async with asyncio.timeout(timeouts.until(timeouts.first_byte_seconds) - monotonic()):
                return await self._credentials.fetch(exchange.role_arn)
        except TimeoutError as error:
            raise timeouts.expired("credentials did not come") from error

    def _endpoint(self, region: str) -> Endpoint:
        place = self._endpoints.get(region)
        if place is None:
            place = endpoint(SERVICE, region, self._endpoint_urls, fips=self._fips, dual_stack=self._dual_stack)
            self._endpoints[region] = place
        return place


class Exchange:
    """One request and its reply: ``async with`` sends it, ``async for`` yields the native chunks of one read at a time.

    Leaving the ``async with`` closes the socket at once, unless the reply was read wholly.

    Attributes:
        counts: What Bedrock counted, if it said so in the reply's headers; a stream says it in its last chunk.
    """

    __slots__ = (
        "_answered", "_decoder", "_fault", "_first_frame_by", "_reply", "_runtime", "_waited_seconds",
        "arn", "body", "counts", "headers", "operation", "region", "role_arn", "stream", "timeouts",
    )  # fmt: skip

    def __init__(
        self,
        runtime: Runtime,
        arn: str,
        body: bytes,
        *,
        region: str,
        role_arn: str | None,
        stream: bool,
        operation: Operation,
        headers: Headers,
        decoder: FrameDecoder | None,
        timeouts: Timeouts,
    ) -> None:
        self.arn = arn
        self.body = body
        self.region = region
        self.role_arn = role_arn
        self.stream = stream
        self.operation = operation
        self.headers = headers
        self.timeouts = timeouts
        self.counts: TokenCounts | None = None
        self._runtime = runtime
        self._reply: Reply | None = None
        self._decoder: FrameDecoder = frames.Decoder() if decoder is None else decoder
        self._fault: GatewayError | None = None
        self._answered = False
        self._first_frame_by = 0.0
        self._waited_seconds = 0.0

    @property
    def reply_headers(self) -> Mapping[bytes, bytes]:
        """Of the reply, by lower-case name; none before there is one."""
        return self._reply.headers if self._reply is not None else {}

    @property
    def waited_seconds(self) -> float:
        """Wall time spent on waiting for Bedrock so far: connecting, and waiting for bytes."""
        return self._waited_seconds + (self._reply.waited_seconds if self._reply is not None else 0.0)

    async def __aenter__(self) -> Self:
        """Send the request and wait for a good reply's head.

        Raises:
            GatewayError: AWS answered with an error, not at all, or with something that is no reply.
        """
        self._first_frame_by = self.timeouts.until(self.timeouts.first_byte_seconds)
        reply = await self._ask()
        try:
            if reply.status != _OK:
                reply = await self._asked_again_or_refused(reply)
            self._take_head(reply)
        except BaseException:
            reply.close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._reply is not None:
            self._reply.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[bytes]:
        """The native chunks that arrived in one read, at least one; a whole reply is one chunk.

        Raises:
            GatewayError: What came before it has been yielded.
        """
        assert self._reply is not None, "iterate inside async with"
        if self._fault is not None:
            raise self._fault
        return await (self._next_chunks(self._reply) if self.stream else self._body(self._reply))

    async def _ask(self) -> Reply:
        started = monotonic()
        try:
            self._reply = await self._runtime.ask(self)
        except BaseException:
            self._waited_seconds += monotonic() - started
            raise
        return self._reply

    async def _asked_again_or_refused(self, reply: Reply) -> Reply:
        """A signature that was refused for our clock's sake is made again, once: nothing was executed. The rest is an error."""
        body = await reply.whole()
        if faults.is_signature_error(reply.headers, body) and self._runtime.learn_skew(reply.headers):
            self._waited_seconds += reply.waited_seconds
            reply = await self._ask()
            if reply.status == _OK:
                return reply
            body = await reply.whole()
        raise faults.from_reply(reply.status, reply.headers, body)

    def _take_head(self, reply: Reply) -> None:
        """A 200 of another kind than was asked for is an error in disguise."""
        headers = reply.headers
        kind = headers.get(b"content-type", b"").lower()
        if not kind.startswith(_EVENT_STREAM if self.stream else _JSON):
            raise UpstreamError(
                "The model's service sent no reply of the kind asked for", detail=f"200 with content type {kind!r}"
            )
        if not self.stream:
            self.counts = _counts(headers)

    async def _body(self, reply: Reply) -> list[bytes]:
        if self._answered:
            raise StopAsyncIteration
        body = await reply.whole()
        if not body or faults.is_unknown_operation(body):
            raise UpstreamError("The model's service sent no output", detail=f"200 with {body[:200]!r}")
        self._answered = True
        return [body]

    async def _next_chunks(self, reply: Reply) -> list[bytes]:
        # The limit stands still while only crumbs of a frame arrive: an upstream that drips is as silent as one that stalls.
        timeouts = self.timeouts
        until = timeouts.until(timeouts.between_bytes_seconds) if self._answered else self._first_frame_by
        while data := await reply.read(until):
            if chunks := self._read_frames(data):
                self._answered = True
                return chunks
            if self._fault is not None:
                reply.close()
                raise self._fault
        self._end()
        raise StopAsyncIteration

    def _read_frames(self, data: bytes) -> list[bytes]:
        """The chunks up to the first fault, which is kept for the next step."""
        chunks: list[bytes] = []
        decoder = self._decoder
        try:
            for headers, payload in decoder.feed(data):
                event = headers.get(":event-type")
                if event == "chunk":
                    chunks.append(frames.native_chunk(payload))
                elif event is None:
                    if (fault := faults.from_frame(headers, payload)) is not None:
                        self._fault = fault
                        break
                elif self.operation == "converse":
                    chunks.append(frames.event_chunk(str(event), payload))
                # Events of other types are for clients newer than this one.
        except frames.CorruptFrame as error:
            self._fault = _damaged(error)
        if decoder.broken is not None and self._fault is None:
            self._fault = _damaged(decoder.broken)
        return chunks

    def _end(self) -> None:
        try:
            self._decoder.end()
        except frames.CorruptFrame as error:
            raise _damaged(error) from error
        if not self._answered:
            raise UpstreamError("The model's service sent no output", detail="200 with an event stream of no chunk")


def _damaged(error: frames.CorruptFrame) -> UpstreamError:
    return UpstreamError("The model's reply was damaged on its way", detail=str(error))


def _counts(headers: Mapping[bytes, bytes]) -> TokenCounts | None:
    """The token counts in a reply's headers, which no model of the API names and not every model sends.

    Source: recorded traffic of Titan, Cohere, Llama, Mistral, Nova and Claude; embeddings send the input's alone.
    """
    counted = headers.get(_COUNTED[0])
    if counted is None or not counted.isdigit():
        return None
    return TokenCounts(*[int(value) if (value := headers.get(name, b"0")).isdigit() else 0 for name in _COUNTED])
