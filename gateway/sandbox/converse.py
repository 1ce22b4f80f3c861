"""``Converse`` and ``ConverseStream``: one body for every chat model. Source: botocore's service model, AWS's feature table."""

from gateway.sandbox import reply
from gateway.sandbox.caller import Caller
from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects import converse as dialect
from gateway.sandbox.dialects import nova
from gateway.sandbox.dialects.dialect import Json, Origin, check_schemas, require
from gateway.sandbox.errors import invalid, malformed
from gateway.sandbox.guardrails import Guarded, converse_trace, guarded
from gateway.sandbox.log import Record
from gateway.sandbox.models import Model
from gateway.sandbox.replies.answer import answer
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.runtime import admit, check_window, counted, decoded, found, generate, latency_ms, seed_of
from gateway.sandbox.schema import violations
from gateway.sandbox.stream import Meter, frames, typed_event
from gateway.sandbox.world import World

_UNSUPPORTED = "This action doesn't support the model that you provided. Try again with a supported text or chat model."

# What AWS's table of Converse features denies to a base family.
_WITHOUT_SYSTEM = frozenset({"titan", "cohere", "mistral"})
_WITHOUT_STREAMED_TOOLS = frozenset({"llama3"})


def _work(world: World, identifier: str, request: Request, record: Record, *, streamed: bool) -> tuple[Guarded, Origin, Json]:
    """Find the model, read the body, make the answer. Everything that can be refused is refused here."""
    model = found(world, identifier)
    if model.base.writes != "TEXT" or (model.kind == "imported-model" and not model.instruct):
        raise invalid(_UNSUPPORTED)
    body = decoded(request.body)
    require(body, dialect.SCHEMA)
    _check_features(body, model, streamed=streamed)
    admit(world, model)
    origin = Origin(model, seed_of(model, request.body), streamed)
    ask = _read(body, origin)
    config = body.get("guardrailConfig", {})
    guardrail = world.rails.find(config.get("guardrailIdentifier"), config.get("guardrailVersion"))
    told = guarded(None if model.kind == "imported-model" else guardrail, ask, answer)
    check_window(ask, told.answer, model)
    record.input_tokens = told.answer.input_tokens
    return told, origin, _fields(body, told.answer, model)


def _marked(told: Guarded, body: Json) -> Json:
    """What has a reason to end has another after an intervention."""
    return body | {"stopReason": "guardrail_intervened"} if told.intervened and "stopReason" in body else body


def _trace(request: Request, told: Guarded) -> Json:
    config = decoded(request.body).get("guardrailConfig", {})
    return converse_trace(told) if config.get("trace", "disabled") != "disabled" else {}


def _fields(body: Json, told: Answer, model: Model) -> Json:
    """``additionalModelResponseFields``, as a member or none. Of what callers ask for only Claude's stop sequence is known here."""
    if model.family != "claude" or "/stop_sequence" not in body.get("additionalModelResponseFieldPaths", ()):
        return {}
    return {"additionalModelResponseFields": {"stop_sequence": told.stopped_by}}


def _check_features(body: Json, model: Model, *, streamed: bool) -> None:
    if body.get("system") and model.family in _WITHOUT_SYSTEM:
        raise invalid("This model doesn't support the system field. Remove it and try again.")
    if body.get("toolConfig") and streamed and model.family in _WITHOUT_STREAMED_TOOLS:
        raise invalid("This model doesn't support tool use in streaming mode.")
    if model.family == "nova" and (
        found := violations(body.get("toolConfig", {"tools": [{}]}), nova.TOOL_CONFIG, "#/toolConfig")
    ):
        raise invalid(f"The model returned the following errors: {malformed(found).message}")
    if model.family == "cohere" and len(body["messages"]) > 1:
        raise invalid("This model doesn't support conversation history. Try again with input containing one user message.")


def _read(body: Json, origin: Origin) -> Ask:
    """The question; the ceiling is the model's own where the caller gave none."""
    inference = body.get("inferenceConfig", {})
    ceiling = origin.model.base.max_tokens
    maximum = inference.get("maxTokens", ceiling)
    if maximum > ceiling:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {ceiling}. Try again with a maximum tokens value that "
            f"is lower than {ceiling}."
        )
    ask = dialect.ask(body, origin, max_tokens=maximum, stop=inference.get("stopSequences", ()))
    check_schemas(ask)
    return ask


async def converse(world: World, identifier: str, request: Request, record: Record, caller: Caller) -> Reply:
    """``Converse``: counts in the body, none in headers."""
    guarded_answer, origin, fields = _work(world, identifier, request, record, streamed=False)
    told = guarded_answer.answer
    await generate(world, told.output_tokens, record, caller)
    latency, _ = latency_ms(told, world.pace)
    body = _marked(guarded_answer, dialect.whole(told, origin))
    return reply.whole(200, body | fields | {"metrics": {"latencyMs": latency}} | _trace(request, guarded_answer))


async def converse_stream(world: World, identifier: str, request: Request, record: Record, caller: Caller) -> Reply:
    """``ConverseStream``: typed events; the usage comes after ``messageStop``."""
    guarded_answer, origin, fields = _work(world, identifier, request, record, streamed=True)
    told = guarded_answer.answer
    latency, _ = latency_ms(told, world.pace)
    trace = _trace(request, guarded_answer)
    events = [
        typed_event(name, _marked(guarded_answer, payload) | (trace if name == "metadata" else {}), tokens)
        for name, payload, tokens in dialect.events(told, origin, fields, latency)
    ]
    meter = Meter()
    pieces = frames(events, seed=origin.seed, pace=world.pace, caller=caller, meter=meter)
    return Reply(200, [("Content-Type", "application/vnd.amazon.eventstream")], counted(pieces, meter, told, record))
