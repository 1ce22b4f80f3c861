"""What is read along beside a native body, and who may be asked with it. That nothing is touched is for tests/path to prove."""

from typing import Any

import pytest

from adapters.deltas import Finish, Text, Usage
from adapters.errors import MalformedReply
from gateway.bedrock.runtime import TokenCounts
from gateway.registry.model import Route, Target
from gateway.relay import Along, one_family

METRICS = b'"amazon-bedrock-invocationMetrics":{"inputTokenCount":7,"outputTokenCount":3}'


class Exchange:
    """As much of an exchange as is looked at."""

    def __init__(self, *, stream: bool, counts: TokenCounts | None = None) -> None:
        self.stream = stream
        self.counts = counts


def along(family: str, *, stream: bool = True, counts: TokenCounts | None = None) -> Along:
    exchange: Any = Exchange(stream=stream, counts=counts)
    return Along(family, exchange)


def route(alias: str, *families: str) -> Route:
    return Route(
        alias, tuple(Target(f"{alias}-{index}", "arn", "r", "provisioned-model", name) for index, name in enumerate(families))
    )


def names(routes: tuple[Route, ...]) -> list[list[str]]:
    return [[target.name for target in route.targets] for route in routes]


def test_one_family() -> None:
    """The first target's family decides; targets of others are left out, and routes that have none left."""
    routes = (route("a", "claude", "llama3", "claude"), route("b", "llama3"), route("c", "titan", "claude"))

    assert names(one_family(routes)) == [["a-0", "a-2"], ["c-1"]]
    assert one_family((route("d", "claude"),)) == (route("d", "claude"),)


def test_what_a_family_says() -> None:
    """Text, reason and counts, as chat's own reader tells them."""
    reading = along("titan")
    deltas = reading.read(
        [b'{"outputText":"a","completionReason":null}', b'{"outputText":"","completionReason":"FINISH",%s}' % METRICS]
    )

    assert [delta for delta in deltas if isinstance(delta, Text)] == [Text("a")]
    assert [delta.reason for delta in deltas if isinstance(delta, Finish)] == ["stop"]
    assert [delta for delta in deltas if isinstance(delta, Usage)] == [Usage(7, 3, source="metrics")]
    assert reading.end() == []


@pytest.mark.parametrize("family", ["titan", "unheard of"])
def test_what_nobody_understands(family: str) -> None:
    """It counts by its length until Bedrock's own counts come, and these make it whole."""
    reading = along(family)
    deltas = reading.read([b'{"outputText":5}', b'{"outputText":"so",%s}' % METRICS])

    assert deltas[0] == Text('{"outputText":5}')
    assert deltas[1:] == [Usage(7, 3, source="metrics")]
    assert reading.end() == []


def test_a_vector_is_no_text() -> None:
    """What an embedding says is not estimated as tokens of an answer; only Bedrock's counts are read."""
    assert along("titan_embed").read([b'{"embedding":[0.5],%s}' % METRICS]) == [Usage(7, 3, source="metrics")]


def test_a_stream_that_merely_stops() -> None:
    """Without a last word it is not whole, whether or not it was understood."""
    understood, not_understood = along("titan"), along("titan")
    understood.read([b'{"outputText":"a"}'])
    not_understood.read([b'{"outputText":5}'])

    for reading in (understood, not_understood):
        with pytest.raises(MalformedReply):
            reading.end()


def test_a_guardrail_s_last_word() -> None:
    """An intervention ends a stream that has neither a reason nor counts."""
    reading = along("unheard of")
    reading.read([b'{"outputText":"Sorry","amazon-bedrock-guardrailAction":"INTERVENED"}'])

    assert reading.end() == []


def test_a_whole_body() -> None:
    """It is whole by being there; counts come from itself, else from the headers."""
    counts = TokenCounts(9, 4)
    own = along("titan", stream=False, counts=counts).read(
        [b'{"inputTextTokenCount":5,"results":[{"tokenCount":2,"outputText":"a"}]}']
    )
    foreign = along("titan", stream=False, counts=counts).read([b'{"embedding":[0.1]}'])
    unknown = along("titan", stream=False)

    assert own[-1] == Usage(5, 2)
    assert foreign == [Usage(9, 4, source="headers")]
    assert unknown.read([b"\xff"]) == [Text("\xff")]
    assert unknown.end() == []
