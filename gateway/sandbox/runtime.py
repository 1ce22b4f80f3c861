"""``bedrock-runtime``: from a body to a reply. Knows dialects by their face only.

Source: botocore's service model 2023-09-30, AWS's user guide, and recorded traffic (headers, chunks, padding).
"""

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec

from gateway.sandbox import reply
from gateway.sandbox.caller import Caller
from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.catalogue import dialect_of
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, read
from gateway.sandbox.errors import AwsError, invalid, malformed
from gateway.sandbox.guardrails import Guarded, Guardrail, guarded, marked, native_trace
from gateway.sandbox.log import Record
from gateway.sandbox.models import Model
from gateway.sandbox.replies.answer import answer
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.stream import Meter, chunk_event, frames
from gateway.sandbox.world import World

METRICS = "amazon-bedrock-invocationMetrics"


def found(world: World, identifier: str) -> Model:
    """The model that a ``modelId`` means.

    Raises:
        AwsError: ``ResourceNotFoundException`` for an ARN of the right form that nothing has, else ``ValidationException``.
    """
    model = world.shelf.find(identifier)
    if model:
        return model
    if identifier.startswith("arn:aws:bedrock:") and "/" in identifier and "custom-model/" not in identifier:
        raise AwsError("ResourceNotFoundException", "The model that you requested could not be found. Check its ARN.")
    raise invalid("The provided model identifier is invalid.")


def decoded(body: bytes) -> Json:
    """The body as a JSON object.

    Raises:
        AwsError: It is something else.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("Malformed input request, please reformat your input and try again.") from None
    if not isinstance(value, dict):
        raise malformed(["#: expected type: JSONObject, found: " + type(value).__name__])
    return value


def admit(world: World, model: Model) -> None:
    """Let an imported model answer only while it is loaded.

    Raises:
        AwsError: ``ModelNotReadyException``; the call has started its restoration.
    """
    if model.kind == "imported-model" and not world.warmth.admit(model.arn):
        raise AwsError("ModelNotReadyException")


def seed_of(model: Model, body: bytes) -> str:
    """64 hexadecimal digits that depend on the model and the body alone."""
    return hashlib.sha256(model.arn.encode() + b"\0" + body).hexdigest()


def check_window(ask: Ask, told: Answer, model: Model) -> None:
    """Refuse what does not fit the model's window.

    Raises:
        AwsError: ``ValidationException`` with the words that clients look for.
    """
    if model.base.writes == "EMBEDDING":
        return  # each text has the window for itself: the dialect has looked
    window = model.base.window
    if told.input_tokens > window:
        raise invalid("Input is too long for requested model.")
    if model.family.startswith("claude") and told.input_tokens + ask.max_tokens > window:
        raise invalid(
            f"input length and `max_tokens` exceed context limit: {told.input_tokens} + {ask.max_tokens} > {window}, "
            "decrease input length or `max_tokens` and try again"
        )


def guardrail_of(world: World, model: Model, request: Request) -> Guardrail | None:
    """The guardrail that a request's headers name. Of an imported model they are passed over in silence: AWS's sources
    disagree, and a gateway that counted on them should be seen to fail here.

    Raises:
        AwsError: ``ValidationException``.
    """
    given = dict(request.headers)
    found = world.rails.find(given.get("x-amzn-bedrock-guardrailidentifier"), given.get("x-amzn-bedrock-guardrailversion"))
    return None if model.kind == "imported-model" else found


class _Work:
    """A request that the model has read, and its answer."""

    def __init__(self, dialect: Dialect, ask: Ask, told: Guarded, origin: Origin, *, traced: bool) -> None:
        self.ask = ask
        self.answer = told.answer
        self.told = told
        self.origin = origin
        self._dialect = dialect
        self._trace = native_trace(told) if traced else {}

    def whole(self) -> Json:
        return marked(self._dialect.whole(self.answer, self.ask, self.origin), self.told) | self._trace

    def chunks(self) -> list[Chunk]:
        """Every chunk with what the guardrail did, the last one with its trace."""
        *chunks, last = self._dialect.chunks(self.answer, self.ask, self.origin)
        told = [chunk._replace(body=marked(chunk.body, self.told)) for chunk in chunks]
        return [*told, last._replace(body=marked(last.body, self.told) | self._trace)]


def _work(world: World, identifier: str, request: Request, record: Record, *, streamed: bool) -> _Work:
    """Find the model, read the body, make the answer. Everything that can be refused is refused here."""
    model = found(world, identifier)
    body = decoded(request.body)
    if streamed and not model.base.streams:
        raise invalid("The model is unsupported for streaming")
    guardrail = guardrail_of(world, model, request)
    admit(world, model)
    origin = Origin(model, seed_of(model, request.body), streamed)
    dialect = dialect_of(model)
    ask = read(dialect, body, origin)
    told = guarded(guardrail, ask, partial(answer, lead=dialect.lead))
    check_window(ask, told.answer, model)
    record.input_tokens = told.answer.input_tokens
    traced = dict(request.headers).get("x-amzn-bedrock-trace", "DISABLED").startswith("ENABLED")
    return _Work(dialect, ask, told, origin, traced=traced)


def latency_ms(told: Answer, pace: float) -> tuple[int, int]:
    """What AWS would report, made of counts and not of clocks: the whole reply, and its first byte."""
    first = 20 + told.input_tokens // 10
    return first + round(told.output_tokens * (1000 / pace if pace else 5)), first


async def invoke(world: World, identifier: str, request: Request, record: Record, caller: Caller) -> Reply:
    """``InvokeModel``: the native body, with the counts in headers that no SDK models."""
    work = _work(world, identifier, request, record, streamed=False)
    told = work.answer
    await generate(world, told.output_tokens, record, caller)
    latency, _ = latency_ms(told, world.pace)
    headers = [
        ("X-Amzn-Bedrock-Invocation-Latency", str(latency)),
        ("X-Amzn-Bedrock-Input-Token-Count", str(told.input_tokens)),
    ]
    if work.origin.model.base.writes == "TEXT":
        headers.append(("X-Amzn-Bedrock-Output-Token-Count", str(told.output_tokens)))
    return reply.whole(200, work.whole(), *headers)


async def generate(world: World, tokens: int, record: Record, caller: Caller) -> None:
    """Take as long for a whole reply as its stream would take."""
    await caller.pause(tokens / world.pace if world.pace else 0.0)
    record.output_tokens = tokens
    record.completed = True


async def invoke_stream(world: World, identifier: str, request: Request, record: Record, caller: Caller) -> Reply:
    """``InvokeModelWithResponseStream``: chunks in frames, the metrics in the last."""
    work = _work(world, identifier, request, record, streamed=True)
    *chunks, last = work.chunks()
    is_silent = work.told.intervened and work.origin.model.family == "titan"  # of whose interventions none is recorded
    latency, first_byte = latency_ms(work.answer, world.pace)
    metrics = {
        "inputTokenCount": work.answer.input_tokens,
        "outputTokenCount": work.answer.output_tokens,
        "invocationLatency": latency,
        "firstByteLatency": first_byte,
    }
    chunks.append(last if is_silent else last._replace(body=last.body | {METRICS: metrics}))
    events = [chunk_event(chunk.body, chunk.tokens) for chunk in chunks]
    meter = Meter()
    pieces = frames(events, seed=work.origin.seed, pace=world.pace, caller=caller, meter=meter)
    return Reply(
        200,
        [("Content-Type", "application/vnd.amazon.eventstream"), ("X-Amzn-Bedrock-Content-Type", "application/json")],
        counted(pieces, meter, work.answer, record),
    )


async def counted(pieces: AsyncIterator[bytes], meter: Meter, told: Answer, record: Record) -> AsyncIterator[bytes]:
    """Keep the record's count in step with what has gone out, also when the caller leaves."""
    try:
        async for piece in pieces:
            record.output_tokens = min(meter.tokens, told.output_tokens)
            yield piece
    finally:
        record.completed = meter.is_complete
        record.output_tokens = told.output_tokens if meter.is_complete else record.output_tokens


async def count_tokens(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    """``CountTokens``: AWS has it for a few base models only, none of which the sandbox holds."""
    found(world, identifier)
    raise invalid("The provided model doesn't support counting tokens.")


def parsed_or_none(body: bytes) -> Any:
    """The body for the log: decoded JSON, or ``None``."""
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
