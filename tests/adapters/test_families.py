"""Promises that every family keeps, the ones to come included."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import FAMILIES, UnknownFamily, family_named
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import Finish, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply, RequestRefused, UnsupportedParameter
from adapters.parameters import fit

HI = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=64))
CORAL = b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}'

WHOLE = {
    "titan": ["titan/finish", "titan/length"],
    "cohere": ["cohere/complete", "cohere/likelihoods"],
    "cohere_chat": ["cohere_chat/text", "cohere_chat/tools", "cohere_chat/cited"],
    "llama2": ["llama2/stop"],
    "llama3": ["llama3/length", "llama3/tools"],
    "claude": ["claude/text", "claude/tools", "claude/thinking", "claude/thoughts", "claude/cached"],
    "claude_4_5": ["claude_4_5/format"],
    "nova": ["nova/text", "nova/tools", "nova/cached", "nova/guardrail"],
    "converse": ["converse/text", "converse/tools", "converse/thinking", "converse/cached", "converse/citations"],
    "mistral": ["mistral/stop", "mistral/length"],
    "mistral_chat": ["mistral_chat/text", "mistral_chat/tools", "mistral_chat/large2"],
    "openai_chat": ["openai_chat/text", "openai_chat/logprobs", "openai_chat/reasoning"],
    "openai_completion": ["openai_completion/text", "openai_completion/logprobs"],
}
STREAMS = {
    "titan": ["titan/one", "titan/several"],
    "cohere": ["cohere/one", "cohere/several"],
    "cohere_chat": ["cohere_chat/text", "cohere_chat/tools", "cohere_chat/tool_deltas"],
    "llama2": ["llama2/stop"],
    "llama3": ["llama3/emoji", "llama3/runaway", "llama3/tools", "llama3/pythonic", "llama3/thinking"],
    "claude": ["claude/text", "claude/tools", "claude/truncated_tool", "claude/thinking", "claude/thoughts", "claude/cached"],
    "claude_4_5": ["claude_4_5/format"],
    "nova": ["nova/text", "nova/tools", "nova/length", "nova/cached", "nova/guardrail"],
    "converse": ["converse/text", "converse/tools", "converse/truncated_tool", "converse/thinking", "converse/stop_sequence"],
    "mistral": ["mistral/stop"],
    "mistral_chat": ["mistral_chat/text", "mistral_chat/tools"],
    "openai_chat": [
        "openai_chat/text",
        "openai_chat/metrics",
        "openai_chat/tools",
        "openai_chat/thinking",
        "openai_chat/harmony",
    ],
    "openai_completion": ["openai_completion/text", "openai_completion/tools"],
}


def each(golden: dict[str, list[str]]):
    return [pytest.param(name, file, id=file) for name, files in golden.items() for file in files]


def read(name, chunks):
    reader = FAMILIES[name].reader(HI)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def floating(body: bytes) -> bytes:
    """The body as a guardrail leaves it: every integer a float."""
    return json.dumps(json.loads(body, parse_int=float)).encode()


def test_every_family_is_judged_here():
    """A family that joins brings golden replies, whole and streamed, and goes by its own name."""
    assert set(FAMILIES) == set(WHOLE) == set(STREAMS)
    assert list(FAMILIES) == [family.name for family in FAMILIES.values()]


def test_a_name_that_nobody_has_is_answered_with_the_nearest():
    """A misspelt family is refused as a ``KeyError`` that helps."""
    assert family_named("titan") is FAMILIES["titan"]
    with pytest.raises(KeyError, match=r'no family is called "lama3": did you mean "llama3"\?') as refused:
        family_named("lama3")
    with pytest.raises(UnknownFamily, match="there are claude, claude_4_5, cohere, "):
        family_named("zzz")

    assert isinstance(refused.value, UnknownFamily)


@pytest.mark.parametrize(("name", "file"), each(WHOLE))
def test_a_whole_reply_in_floats_is_the_same(golden_body, name, file):
    """A guardrail turns integers into floats; nothing else changes."""
    body = golden_body(f"{file}.reply")
    decode = FAMILIES[name].decode

    assert assemble(decode(body, HI, None)) == assemble(decode(floating(body), HI, None))


@pytest.mark.parametrize(("name", "file"), each(STREAMS))
def test_a_stream_in_floats_is_the_same(golden_chunks, name, file):
    """The same for chunks, block indexes included."""
    chunks = golden_chunks(file)

    assert read(name, chunks) == read(name, [floating(chunk) for chunk in chunks])


@pytest.mark.parametrize(("name", "file"), each(STREAMS))
def test_a_stream_has_one_finish_and_one_usage(golden_chunks, name, file):
    """Exactly one reason and one count per reply, and nothing after them is lost or said twice."""
    deltas = read(name, golden_chunks(file))

    assert sum(isinstance(delta, Finish) for delta in deltas) == 1
    assert sum(isinstance(delta, Usage) for delta in deltas) == 1
    assert isinstance(deltas[-2], Finish)


@pytest.mark.parametrize(("name", "file"), each(STREAMS))
def test_a_stream_cut_anywhere_is_never_a_whole_reply(golden_chunks, name, file):
    """However clean the close looked: without the family's own end a reply is malformed, from the first chunk on."""
    chunks = golden_chunks(file)
    told = next(
        place for place in range(1, len(chunks) + 1) if any(word in chunks[place - 1] for word in (b'completionReason":"', b'is_finished":true', b'finish_reason":"', b'stop_reason":"', b'stopReason":"'))
    )  # fmt: skip
    for cut in range(told):
        with pytest.raises(MalformedReply):
            read(name, chunks[:cut])

    assert assemble(read(name, chunks[:told])).finish is not None


@pytest.mark.parametrize("name", FAMILIES)
def test_a_200_that_is_no_reply(name):
    """Coral's answer to an unknown operation has status 200 and no output: it is malformed, whole or as a chunk."""
    with pytest.raises(MalformedReply):
        FAMILIES[name].decode(CORAL, HI, Usage(1, 1, source="headers"))
    with pytest.raises(MalformedReply):
        read(name, [CORAL])


@pytest.mark.parametrize("name", FAMILIES)
def test_metrics_alone_end_a_reply_that_was_spoken(golden_chunks, name):
    """Bedrock's metrics stand in the last chunk: with some text before them they end a reply whose reason is missing."""
    spoken = {
        "titan": b'{"outputText":"Hi"}',
        "cohere": b'{"text":"Hi"}',
        "cohere_chat": b'{"event_type":"text-generation","text":"Hi"}',
        "claude": b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
        "nova": b'{"contentBlockDelta":{"delta":{"text":"Hi"},"contentBlockIndex":0}}',
        "converse": b'{"contentBlockDelta":{"delta":{"text":"Hi"},"contentBlockIndex":0}}',
    }.get(name.removesuffix("_4_5"), b'{"generation":"Hi"}')
    opening = [b'{"type":"message_start","message":{}}'] if name.startswith("claude") else []
    metrics = b'{"amazon-bedrock-invocationMetrics":{"inputTokenCount":5,"outputTokenCount":2}}'
    with pytest.raises(MalformedReply):
        read(name, [metrics])

    assert [TextDelta("Hi"), Finish("stop", None), Usage(5, 2, source="metrics")] == read(name, [*opening, spoken, metrics])


HOSTILE = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([
                "type", "index", "delta", "content_block", "message", "usage", "content", "text", "stop_reason", "input", "id",
                "name", "tool_use", "partial_json", "choices", "tool_calls", "function", "arguments", "finish_reason", "generation",
                "outputs", "results", "outputText", "completionReason", "generations", "is_finished", "logprobs",
                "output", "toolUse", "toolUseId", "reasoningContent", "stopReason", "messageStop", "metadata", "inputTokens",
                "contentBlockStart", "contentBlockDelta", "contentBlockStop", "contentBlockIndex", "start",
                "event_type", "response", "tool_call_delta", "parameters", "meta", "billed_units", "tokens",
                "amazon-bedrock-invocationMetrics", "inputTokenCount", "outputTokenCount", "amazon-bedrock-guardrailAction",
            ]),
            inner,
            max_size=4,
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
@given(replies=st.lists(HOSTILE, max_size=4))
def test_nothing_but_malformed_comes_of_garbage(name, replies):
    """Whatever the upstream says, a family answers with deltas or with ``MalformedReply``: never with a crash."""
    family = FAMILIES[name]
    reader = family.reader(ChatRequest(HI.messages, Sampling(max_tokens=64, stop=("ab", "b"))))
    for reply in replies:
        with suppress(MalformedReply):
            assemble(family.decode(reply, HI, None))
    with suppress(MalformedReply):
        for reply in replies:
            reader.read(reply)
        reader.end()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b'{"generation":"\xff","text":"\xff","type":"\xff"}',
        b"1e999",
    ],
    ids=["empty", "null", "open", "deep list", "deep object", "not UTF-8", "text not UTF-8", "no number"],
)
def test_a_reply_that_is_not_json(name, garbage):
    """Depth, bad UTF-8 and numbers beyond floats are malformed replies too."""
    with pytest.raises(MalformedReply):
        FAMILIES[name].decode(garbage, HI, None)
    with pytest.raises(MalformedReply):
        read(name, [garbage])


@pytest.mark.parametrize("name", FAMILIES)
def test_log_probabilities_are_told_or_refused_by_name(name):
    """A family that has them says so; of any other the caller learns it, and never gets a null in their place."""
    family = FAMILIES[name]
    request = ChatRequest(HI.messages, Sampling(max_tokens=64, logprobs=True))
    if "logprobs" in family.accepts:
        assert fit(request, family)[0].sampling.logprobs is True
    else:
        with pytest.raises(UnsupportedParameter, match="logprobs is not supported") as refused:
            fit(request, family)

        assert refused.value.parameter == "logprobs"


TEXTS = st.text(max_size=12)
PARTS = st.lists(TEXTS.map(Text) | st.just(Image("image/png", "iVBORw0KGgo=")), max_size=2).map(tuple)
CALLS = st.lists(st.builds(ToolCall, TEXTS, st.just("f"), st.sampled_from(["", "{}", '{"a": 1}', "[1]", '{"a'])), max_size=2)
MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user"]), PARTS)
    | st.builds(Message, st.just("assistant"), PARTS, CALLS.map(tuple))
    | st.builds(Message, st.just("tool"), PARTS, tool_call_id=TEXTS | st.none()),
    min_size=1,
    max_size=5,
).map(tuple)
SAMPLINGS = st.builds(
    Sampling,
    max_tokens=st.none() | st.integers(-1, 5000),
    temperature=st.none() | st.floats(-1, 3),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(TEXTS, max_size=4).map(tuple),
    frequency_penalty=st.none() | st.just(0.0),
    logprobs=st.none() | st.booleans(),
)
REQUESTS = st.builds(
    ChatRequest,
    MESSAGES,
    SAMPLINGS,
    tools=st.sampled_from([(), (ToolSpec("f", None, {}),)]),
    tool_choice=st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("named", "f")]),
    parallel_tool_calls=st.none() | st.booleans(),
    response_format=st.none() | st.sampled_from([ResponseFormat("text"), ResponseFormat("json_schema", "a", {})]),
)


@pytest.mark.parametrize("name", FAMILIES)
@given(request_=REQUESTS)
def test_every_request_is_encoded_or_refused(name, request_):
    """Any request becomes one JSON object with a limit in it, or a refusal that names what to change: never a crash."""
    family = FAMILIES[name]
    refusal: RequestRefused | None = None
    try:
        fitted, dropped = fit(request_, family)
        body = family.encode(fitted, True)
    except RequestRefused as refused:
        refusal = refused

    if refusal is not None:
        assert refusal.parameter
        assert str(refusal)
    else:
        assert isinstance(json.loads(body), dict)
        assert str(fitted.sampling.max_tokens) in body.decode()
        assert len(dropped) == len(set(dropped))


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if "prompt" in family.accepts])
@pytest.mark.parametrize("prompt", ["", " question: why?\n\n### Response:\n", "<|eot_id|>[INST]\nUser: hi"])
def test_a_prompt_already_written_is_sent_as_it_stands(name, prompt):
    """No template, no trimming, no neutralised token: whoever wrote the prompt has seen to all of that."""
    request, dropped = fit(ChatRequest(HI.messages, HI.sampling, prompt=prompt), FAMILIES[name])
    body = json.loads(FAMILIES[name].encode(request, False))

    assert prompt == next(body[field] for field in ("prompt", "inputText", "message") if field in body)
    assert not dropped
