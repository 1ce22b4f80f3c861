"""The official ``openai`` SDK's types judge the wire of completions: every field of requests, every reply, every chunk."""

import json
import typing
from collections.abc import Sequence

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletionStreamOptionsParam
from openai.types.completion_create_params import CompletionCreateParamsStreaming

from adapters.deltas import Delta, Finish, Logprobs, Text, TokenLogprob, Usage
from gateway.call import Call
from gateway.surface.answering import Arrival
from gateway.surface.openai import wire
from gateway.surface.openai.completions.parse import parse_completion
from gateway.surface.openai.completions.render import Events, whole
from gateway.surface.openai.wire.completions import CompletionBody
from tests.referees.openai_types import fields_of, strangers
from tests.referees.surface import KEY

REPLIES: dict[str, Sequence[Delta]] = {
    "text": (Text("Hel"), Text("lo"), Finish("stop"), Usage(5, 2)),
    "nothing": (Finish("length"), Usage(5, 0)),
    "refused by a guardrail": (Text("I cannot"), Finish("content_filter"), Usage(5, 2)),
    "log probabilities": (
        Text("Hé"),
        Logprobs((TokenLogprob("Hé", -0.5, (("Hi", float("-inf")),)),)),
        Finish("stop"),
        Usage(5, 1),
    ),
}
each_reply = pytest.mark.parametrize("deltas", REPLIES.values(), ids=REPLIES.keys())


def call_of(**fields: object) -> Call:
    body = {"model": "llama", "prompt": ["a", "b"], "logprobs": 2} | fields
    return parse_completion(json.dumps(body).encode(), Arrival("req-1", KEY, 0.0))


def test_request_fields() -> None:
    """We know every field that OpenAI has, and none that it has not."""
    assert fields_of(CompletionBody) == set(typing.get_type_hints(CompletionCreateParamsStreaming))
    assert fields_of(wire.StreamOptions) == set(typing.get_type_hints(ChatCompletionStreamOptionsParam))


@each_reply
def test_whole(deltas: Sequence[Delta]) -> None:
    """A whole reply is the SDK's own type, strictly: no field missing, none mistyped, none unknown."""
    reply = Completion.model_validate(json.loads(whole(call_of(), [deltas, deltas], 1_700_000_000)), strict=True)

    assert strangers(reply) == set()
    assert {"text", "index", "logprobs", "finish_reason"} == reply.choices[1].model_fields_set


@each_reply
def test_chunks(deltas: Sequence[Delta]) -> None:
    """Every event is the SDK's own type, but for the reason, which OpenAI's own chunks leave null until the last one, too."""
    events = Events(call_of(stream=True, stream_options={"include_usage": True}), 1_700_000_000)
    data = events.events(0, deltas) + events.events(1, deltas) + events.end()

    for event in data.removesuffix(b"\n\ndata: [DONE]\n\n").split(b"\n\n"):
        chunk = json.loads(event.removeprefix(b"data: "))
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        assert strangers(Completion.model_validate(chunk, strict=True)) == set()
