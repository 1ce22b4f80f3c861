"""What a caller reads: one body or the events of a stream, from the same deltas."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import ChatRequest, Sampling
from adapters.deltas import (
    Delta,
    Finish,
    Logprobs,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.errors import UpstreamError
from gateway.keys.model import Key
from gateway.surface.openai.framing import DONE
from gateway.surface.openai.render import Events, whole

Make = Callable[..., Call]
ASKED = Sampling(logprobs=True)
HELLO = (Text("Hel"), Text("lo"), Finish("stop"), Usage(5, 2))
SEALED = (Reasoning("2+"), Reasoning("2"), ReasoningSignature("c2ln"), RedactedReasoning("eHg="), ReasoningSignature("YQ=="))
DETAILS = [
    {"type": "reasoning.text", "text": "2+2", "signature": "c2ln", "index": 0},
    {"type": "reasoning.encrypted", "data": "eHg=", "index": 1},
    {"type": "reasoning.text", "text": "", "signature": "YQ==", "index": 2},
]
TOKENS = Logprobs((TokenLogprob("Hé", -0.5, (("Hi", -1.5),)), TokenLogprob("!", float("-inf"))))


def chunks_of(data: bytes) -> list[dict]:
    """The events' JSON, read as strictly as SSE allows: one ``data`` line each, ``[DONE]`` left out."""
    assert data.endswith(b"\n\n")
    events = data[:-2].split(b"\n\n")
    assert all(event.startswith(b"data: ") and b"\n" not in event for event in events)
    return [json.loads(event[6:]) for event in events if event != b"data: [DONE]"]


def streamed(call: Call, *batches: tuple[int, Sequence[Delta]]) -> list[dict]:
    events = Events(call, 1_700_000_000)
    data = b"".join(events.events(choice, deltas) for choice, deltas in batches) + events.end()
    assert data.endswith(DONE)
    assert data.count(DONE) == 1
    return chunks_of(data)


def said(chunks: list[dict], field: str = "content", choice: int = 0) -> str:
    deltas = [each["delta"] for chunk in chunks for each in chunk["choices"] if each["index"] == choice]
    return "".join(delta.get(field) or "" for delta in deltas)


class TestWhole:
    """One JSON body."""

    def render(self, call: Call, *choices: Sequence[Delta]) -> dict:
        return json.loads(whole(call, choices, 1_700_000_000))

    def test_text(self, call_with: Make) -> None:
        """Trap 31, trap 32: the alias is the model, the id holds the request's, nulls stand where SDKs look for them."""
        expected = {
            "id": "chatcmpl-req-7",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "support-haiku",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello", "refusal": None},
                    "finish_reason": "stop",
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }

        assert self.render(call_with(), HELLO) == expected

    def test_only_calls(self, call_with: Make) -> None:
        """Trap 21, trap 26: content is null beside calls alone, arguments are never empty."""
        deltas = [
            ToolCallStart(0, "c0", "f"),
            ToolCallStart(1, "c1", "g"),
            ToolCallArguments(1, '{"a":'),
            ToolCallArguments(1, "1}"),
        ]

        message = self.render(call_with(), [*deltas, Finish("tool_calls")])["choices"][0]["message"]

        assert message["content"] is None
        assert message["tool_calls"] == [
            {"id": "c0", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c1", "type": "function", "function": {"name": "g", "arguments": '{"a":1}'}},
        ]

    def test_text_and_calls(self, call_with: Make) -> None:
        """Text beside calls stays."""
        deltas = [Text("let me see"), ToolCallStart(0, "c0", "f"), Finish("tool_calls")]

        assert self.render(call_with(), deltas)["choices"][0]["message"]["content"] == "let me see"

    def test_nothing_said(self, call_with: Make) -> None:
        """An answer of no words is an empty string, not null: null means tool calls."""
        message = self.render(call_with(), [Finish("length")])["choices"][0]["message"]

        assert message == {"role": "assistant", "content": "", "refusal": None}

    def test_reasoning(self, call_with: Make) -> None:
        """Trap 30: reasoning has its own field, and a count that nobody knows is not made up."""
        body = self.render(call_with(), [Reasoning("2+2"), Text("4"), Finish("stop"), Usage(1, 9)])

        assert body["choices"][0]["message"]["reasoning_content"] == "2+2"
        assert "completion_tokens_details" not in body["usage"]
        assert "reasoning_details" not in body["choices"][0]["message"]

    def test_sealed_reasoning(self, call_with: Make) -> None:
        """Trap 30: what a later turn has to send back, thought by thought, beside the text of them all."""
        message = self.render(call_with(), [*SEALED, Text("4"), Finish("stop")])["choices"][0]["message"]

        assert message["reasoning_content"] == "2+2"
        assert message["reasoning_details"] == DETAILS

    def test_cached(self, call_with: Make) -> None:
        """Trap 33: cache reads and writes are inside the prompt's count, and told apart in its details."""
        usage = self.render(call_with(), [Text("x"), Finish("stop"), Usage(100, 1, cache_read_tokens=80, cache_write_tokens=5)])[
            "usage"
        ]

        assert (usage["prompt_tokens"], usage["total_tokens"]) == (100, 101)
        assert usage["prompt_tokens_details"] == {"cached_tokens": 80, "cache_write_tokens": 5}

    def test_choices(self, call_with: Make) -> None:
        """Trap 12: every choice stands at its index, and usage is the sum of what they cost."""
        body = self.render(call_with(choices=2), HELLO, [Text("Bye"), Finish("length"), Usage(5, 1)])

        assert [choice["message"]["content"] for choice in body["choices"]] == ["Hello", "Bye"]
        assert [choice["finish_reason"] for choice in body["choices"]] == ["stop", "length"]
        assert [choice["index"] for choice in body["choices"]] == [0, 1]
        assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (10, 3)

    def test_logprobs(self, call_with: Make) -> None:
        """Trap 14: log probabilities come when asked for, and a token without any is finite all the same."""
        deltas = [Text("Hé!"), TOKENS, Finish("stop")]

        first, second = self.render(call_with(ASKED), deltas)["choices"][0]["logprobs"]["content"]

        assert first["token"] == "Hé"
        assert bytes(first["bytes"]).decode() == "Hé"
        assert first["top_logprobs"] == [{"token": "Hi", "logprob": -1.5, "bytes": [72, 105]}]
        assert second["logprob"] == -9999.0
        assert self.render(call_with(), deltas)["choices"][0]["logprobs"] is None

    def test_no_usage(self, call_with: Make) -> None:
        """Counts that nobody gave are left out, not zero."""
        assert "usage" not in self.render(call_with(), [Text("x"), Finish("stop")])

    def test_no_finish(self, call_with: Make) -> None:
        """A reply that never finished is not rendered as one that did."""
        with pytest.raises(MalformedReply):
            whole(call_with(), [[Text("x")]], 1)


class TestStream:
    """The events."""

    def test_text(self, call_with: Make) -> None:
        """Trap 3, trap 8: role first and once, texts, finish reason last and once, then [DONE]; no usage unasked."""
        chunks = streamed(call_with(), (0, HELLO[:1]), (0, HELLO[1:]))

        assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
            {"role": "assistant", "content": "", "refusal": None},
            {"content": "Hel"},
            {"content": "lo"},
            {},
        ]
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
        assert all("usage" not in chunk for chunk in chunks)

    def test_same_names(self, call_with: Make) -> None:
        """Trap 32: id, created and model are the same on every chunk, the usage chunk too, and the model is the alias."""
        chunks = streamed(call_with(include_usage=True), (0, HELLO))

        assert {(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks} == {
            ("chatcmpl-req-7", 1_700_000_000, "support-haiku", "chat.completion.chunk")
        }

    def test_usage(self, call_with: Make) -> None:
        """Trap 6, trap 7: asked for, usage is in one last chunk without choices and null on all others."""
        *others, last = streamed(call_with(include_usage=True), (0, HELLO))

        assert last["choices"] == []
        assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"], last["usage"]["total_tokens"]) == (5, 2, 7)
        assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)

    ORDERS = {  # noqa: RUF012 - a table
        "finish, usage": (Text("a"), Finish("length"), Usage(1, 1)),
        "usage, finish": (Usage(1, 1), Text("a"), Finish("length")),
        "text after finish": (Finish("length"), Text("a"), Usage(1, 1)),
    }

    @pytest.mark.parametrize("deltas", ORDERS.values(), ids=ORDERS.keys())
    def test_order(self, call_with: Make, deltas: Sequence[Delta]) -> None:
        """The finish reason is in the last choice chunk, whatever order the family speaks in, alone or in one batch."""
        for batches in ([(0, deltas)], [(0, [delta]) for delta in deltas]):
            *others, finish, usage = streamed(call_with(include_usage=True), *batches)

            assert finish["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
            assert said(others) == "a"
            assert all(chunk["choices"][0]["finish_reason"] is None for chunk in others)
            assert usage["usage"]["total_tokens"] == 2

    def test_silence(self, call_with: Make) -> None:
        """A batch without words sends nothing, not even a role: nothing has been said yet."""
        events = Events(call_with(), 1)

        assert events.events(0, [Usage(1, 0), Text(""), Reasoning("")]) == b""
        assert events.events(0, []) == b""

    def test_empty_reply(self, call_with: Make) -> None:
        """A reply of no words still has a role and a finish reason."""
        chunks = streamed(call_with(), (0, [Finish("length"), Usage(1, 0)]))

        assert [chunk["choices"][0]["delta"].get("role") for chunk in chunks] == ["assistant", None]
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"

    def test_calls(self, call_with: Make) -> None:
        """Trap 1, trap 2: indexes as given, id, type and name in a call's first chunk only, arguments join to one object."""
        deltas = [
            Text("see"),
            ToolCallStart(0, "c0", "f"),
            ToolCallArguments(0, '{"a":'),
            ToolCallStart(1, "c1", "g"),
            ToolCallArguments(0, "1}"),
            ToolCallArguments(1, '{"b":2}'),
            Finish("tool_calls"),
        ]

        chunks = streamed(call_with(), *((0, [delta]) for delta in deltas))

        pieces = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
        assert pieces == [
            {"index": 0, "id": "c0", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": '{"a":'}},
            {"index": 1, "id": "c1", "type": "function", "function": {"name": "g", "arguments": ""}},
            {"index": 0, "function": {"arguments": "1}"}},
            {"index": 1, "function": {"arguments": '{"b":2}'}},
        ]

    def test_calls_without_arguments(self, call_with: Make) -> None:
        """Trap 26: a call that never gets arguments has "{}", before the finish reason, and so do two of them."""
        deltas = [ToolCallStart(0, "c0", "f"), ToolCallArguments(0, ""), ToolCallStart(1, "c1", "g"), Finish("tool_calls")]

        chunks = streamed(call_with(), (0, deltas))

        pieces = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
        joined = {index: "".join(call["function"]["arguments"] for call in pieces if call["index"] == index) for index in (0, 1)}
        assert joined == {0: "{}", 1: "{}"}
        assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"

    def test_reasoning(self, call_with: Make) -> None:
        """Trap 30: reasoning streams in its own field and never mixes with the answer."""
        chunks = streamed(
            call_with(include_usage=True), (0, [Reasoning("2"), Reasoning("+2"), Text("4"), Finish("stop"), Usage(1, 3)])
        )

        assert (said(chunks, "reasoning_content"), said(chunks)) == ("2+2", "4")
        assert "completion_tokens_details" not in chunks[-1]["usage"]

    def test_sealed_reasoning(self, call_with: Make) -> None:
        """Each thought is told once whole, when its seal comes: lists put together, or merged by index, are the same."""
        chunks = streamed(call_with(stream=True), *((0, [delta]) for delta in SEALED), (0, [Text("4"), Finish("stop")]))
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks]

        assert [detail for delta in deltas for detail in delta.get("reasoning_details", ())] == DETAILS
        assert (said(chunks, "reasoning_content"), said(chunks)) == ("2+2", "4")

    def test_choices(self, call_with: Make) -> None:
        """Trap 12: each choice has its role, its text and its finish reason once, whichever came first; usage is summed."""
        call = call_with(choices=2, include_usage=True)

        chunks = streamed(call, (1, [Text("b")]), (0, HELLO), (1, [Text("ye"), Finish("length"), Usage(5, 3)]))

        assert (said(chunks, choice=0), said(chunks, choice=1)) == ("Hello", "bye")
        for index, reason in enumerate(("stop", "length")):
            mine = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
            assert [choice["delta"].get("role") for choice in mine] == ["assistant"] + [None] * (len(mine) - 1)
            assert [choice["finish_reason"] for choice in mine] == [None] * (len(mine) - 1) + [reason]
        assert (chunks[-1]["usage"]["prompt_tokens"], chunks[-1]["usage"]["completion_tokens"]) == (10, 5)

    @pytest.mark.parametrize("deltas", [(Text("Hé!"), TOKENS), (TOKENS, Text("Hé!"))], ids=["after", "before"])
    def test_logprobs(self, call_with: Make, deltas: Sequence[Delta]) -> None:
        """Trap 14: asked for, log probabilities stand beside their text in one chunk; unasked, they are left out."""
        _, chunk, finish = streamed(call_with(ASKED), (0, [*deltas, Finish("stop")]))

        assert chunk["choices"][0]["delta"] == {"content": "Hé!"}
        assert [token["token"] for token in chunk["choices"][0]["logprobs"]["content"]] == ["Hé", "!"]
        assert finish["choices"][0]["logprobs"] is None
        unasked = streamed(call_with(), (0, [*deltas, Finish("stop")]))
        assert [chunk["choices"][0]["logprobs"] for chunk in unasked] == [None, None, None]

    def test_error(self, call_with: Make) -> None:
        """Trap 10: a failure is one event with the envelope; no finish reason and no [DONE] come with it."""
        events = Events(call_with(include_usage=True), 1)
        before = events.events(0, [Text("half")])

        (error,) = chunks_of(events.error(UpstreamError("The model stopped answering", detail="arn:aws:bedrock:secret")))

        assert said(chunks_of(before)) == "half"
        assert error == {
            "error": {"message": "The model stopped answering", "type": "server_error", "param": None, "code": "upstream_error"}
        }

    def test_no_finish(self, call_with: Make) -> None:
        """Trap 8: a reply without a finish reason is not called done; one of two is not enough."""
        events = Events(call_with(choices=2), 1)
        events.events(0, HELLO)

        end = events.end()

        assert b"[DONE]" not in end
        assert chunks_of(end)[-1]["error"]["code"] == "upstream_error"


TRICKS = {
    "an event of its own (S21)": '\n\ndata: [DONE]\n\ndata: {"error":{}}\n\n',
    "CRLF": "\r\n\r\ndata: [DONE]\r\n\r\n",
    "line separator": "a\u2028\u2028b",
    "paragraph separator": "a\u2029\u2029b",
    "next line": "a\u0085\u0085b",
    "vertical": "a\x0b\x0c\x1c\x1d\x1eb",
    "NUL": "a\x00b",
    "quotes": '"},"finish_reason":"stop"}]}',
    "byte order mark": "\ufeffdata:",
    "beyond the basic plane": "🙂\U0010ffff",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
@pytest.mark.parametrize(
    "kind", [Text, Reasoning, lambda text: ToolCallArguments(0, text)], ids=["text", "reasoning", "arguments"]
)
def test_framing(call_with: Make, kind: Callable[[str], Delta], trick: str) -> None:
    """No text of a model's breaks a frame, also for clients that split lines as Python's ``str`` does."""
    deltas = [ToolCallStart(0, "c", "f"), kind(trick), Finish("stop")]
    events = Events(call_with(), 1)
    data = (events.events(0, deltas) + events.end()).decode()

    lines = [line for line in data.splitlines() if line]

    assert all(line.startswith("data: ") for line in lines)
    assert lines == [line for line in data.split("\n") if line]
    assert [line for line in lines if line == "data: [DONE]"] == ["data: [DONE]"]
    spoken = json.dumps([json.loads(line[6:]) for line in lines[:-1]])
    assert json.dumps(trick)[1:-1] in spoken


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
CALL = Call(
    id="r",
    key=Key(id="k", name="n", owner="o", hash=""),
    alias="m",
    request=ChatRequest(messages=()),
    received_at=0.0,
    stream=True,
)


@given(st.lists(st.lists(TEXTS, max_size=4), max_size=4))
def test_round_trip(batches: list[list[str]]) -> None:
    """However a text is cut and sent, its pieces join to the same text, and a whole reply says the same."""
    text = "".join(piece for batch in batches for piece in batch)
    deltas: list[Delta] = [*(Text(piece) for batch in batches for piece in batch), Finish("stop")]

    chunks = streamed(CALL, *((0, [Text(piece) for piece in batch]) for batch in batches), (0, [Finish("stop")]))
    body = json.loads(whole(CALL, [deltas], 1))

    assert said(chunks) == text
    assert body["choices"][0]["message"]["content"] == text
