"""``ApplyGuardrail``: texts in, what a guardrail says of them out. Source: botocore's service model 2023-09-30."""

from gateway.sandbox import reply
from gateway.sandbox.caller import Caller
from gateway.sandbox.dialects.dialect import require
from gateway.sandbox.guardrails import applied
from gateway.sandbox.log import Record
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.runtime import decoded
from gateway.sandbox.schema import Schema, closed
from gateway.sandbox.world import World

_TEXT = closed({"text": {"type": "string"}, "qualifiers": {"type": "array", "items": {"type": "string"}}}, "text")
_IMAGE = closed({"format": {"type": "string", "enum": ["png", "jpeg"]}, "source": {"type": "object"}}, "format", "source")
SCHEMA: Schema = closed(
    {
        "source": {"type": "string", "enum": ["INPUT", "OUTPUT"]},
        "content": {"type": "array", "items": closed({"text": _TEXT, "image": _IMAGE}), "minItems": 1},
        "outputScope": {"type": "string", "enum": ["INTERVENTIONS", "FULL"]},
    },
    "source",
    "content",
)


async def apply(world: World, identifier: str, request: Request, _record: Record, _caller: Caller) -> Reply:
    """Judge texts; images pass, since nothing here looks at them."""
    guardrail = world.rails.known(identifier, request.segments[3])
    body = decoded(request.body)
    require(body, SCHEMA)
    texts = [block["text"]["text"] for block in body["content"] if "text" in block]
    return reply.whole(200, applied(guardrail, body["source"], texts))
