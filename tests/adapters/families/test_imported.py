"""Imported models: OpenAI's bodies on the way in, any shape on the way out."""

import json

import pytest

from adapters import FAMILIES, family_of
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import AssembledCall, Finish, Logprobs, TokenLogprob, ToolCallArguments, ToolCallStart, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

CHAT, COMPLETION = FAMILIES["openai_chat"], FAMILIES["openai_completion"]
HI = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=64))
WEATHER = ToolSpec(
    "get_current_weather",
    "The weather of a place",
    {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    strict=True,
)


def read(family, chunks, request=HI):
    reader = family.reader(request)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def test_a_chat_with_every_knob_is_the_golden_one(golden_body):
    """An import has OpenAI's knobs under OpenAI's names; ``stream`` is said where it is so, ``model`` never."""
    request = ChatRequest(
        (Message("system", (Text("Be brief."),)), Message("user", (Text("How is the rainbow "), Text("formed?")), name="ann")),
        Sampling(
            max_tokens=100, temperature=0.5, top_p=0.9, stop=("END",), seed=7, frequency_penalty=0.5, presence_penalty=-0.5,
            logit_bias={"50256": -100}, logprobs=True, top_logprobs=2,
        ),
        response_format=ResponseFormat("json_schema", "answer", {"type": "object"}, strict=True),
    )  # fmt: skip

    assert json.loads(golden_body("openai_chat/text.request")) == json.loads(CHAT.encode(request, True))


def test_a_chat_with_tools_and_an_image_is_the_golden_one(golden_body):
    """Calls, their answers, definitions, the choice and an image pass in OpenAI's own form."""
    request = ChatRequest(
        (
            Message("user", (Text("Weather here?"), Image("image/jpeg", "/9j/4AAQ"))),
            Message("assistant", tool_calls=(ToolCall("call_1", "get_current_weather", ""),)),
            Message("tool", (Text("18 degrees"),), tool_call_id="call_1"),
        ),
        Sampling(max_tokens=100),
        tools=(WEATHER,),
        tool_choice=ToolChoice("named", "get_current_weather"),
        parallel_tool_calls=False,
    )

    assert json.loads(golden_body("openai_chat/tools.request")) == json.loads(CHAT.encode(request, False))


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_modes_of_choice_are_openai_words(mode):
    """Modes pass as they are."""
    request = ChatRequest(HI.messages, tools=(WEATHER,), tool_choice=ToolChoice(mode))

    assert json.loads(CHAT.encode(request, False))["tool_choice"] == mode


def test_a_completion_is_the_golden_one(golden_body):
    """``prompt`` with ``max_tokens`` is what makes AWS read a completion; the chat becomes ChatML."""
    request = ChatRequest(
        (Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),))),
        Sampling(max_tokens=64, temperature=0.5, stop=("END",)),
    )

    assert json.loads(golden_body("openai_completion/prompt.request")) == json.loads(COMPLETION.encode(request, True))


@pytest.mark.parametrize(
    ("body", "deltas"),
    [
        ("openai_chat/text", [TextDelta("A rainbow is light that rain has bent"), Finish("length", "length"), Usage(41, 100)]),
        ("openai_completion/text", [TextDelta(" Hello!"), Finish("stop", "stop"), Usage(9, 3)]),
        ("imported/bedrock_completion", [TextDelta("Hello!"), Finish("stop", "stop"), Usage(5, 2)]),
        ("imported/mistral", [TextDelta(" Hello!"), Finish("stop", "stop"), Usage(7, 7, source="headers")]),
        ("imported/mistral_chat", [TextDelta("Hello!"), Finish("length", "length"), Usage(7, 7, source="headers")]),
        ("imported/qwen2", [TextDelta("Hello!"), Finish("stop", None), Usage(7, 7, source="headers")]),
    ],
)
@pytest.mark.parametrize("family", [CHAT, COMPLETION, FAMILIES["llama3"]], ids=lambda family: family.name)
def test_a_whole_reply_is_read_by_its_shape(golden_body, family, body, deltas):
    """Whatever the import was asked in, its answer is understood in any known form, and vLLM's leftovers fall away."""
    assert deltas == family.decode(golden_body(f"{body}.reply"), HI, Usage(7, 7, source="headers"))


@pytest.mark.parametrize(
    ("chunks", "text", "usage"),
    [
        ("openai_chat/text", "Rain bends light.", Usage(41, 6)),
        ("openai_chat/metrics", "Rain bends light.", Usage(41, 6, source="metrics")),
        ("openai_completion/text", " Hello!", Usage(9, 3, source="metrics")),
        ("llama3/emoji", " I hear 👂", Usage(76, 83)),
        ("imported/mistral", " Hello!", Usage(5, 2, source="metrics")),
    ],
)
@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_a_stream_is_read_by_its_shape(golden_chunks, family, chunks, text, usage):
    """Streams of imports are documented nowhere: every known form is read, with counts in a chunk of their own or not."""
    reply = assemble(read(family, golden_chunks(chunks)))

    assert text == reply.text
    assert Finish("stop", "stop") == reply.finish
    assert usage == reply.usage


def test_thinking_is_not_the_answer(golden_chunks):
    """``reasoning_content`` is shown apart from the answer."""
    assert assemble(read(CHAT, golden_chunks("openai_chat/text"))).reasoning == "Optics."


def test_a_literal_done_is_passed_over(golden_chunks):
    """Some servers let OpenAI's own end of a stream through as a chunk; it says nothing that was not said."""
    chunks = golden_chunks("openai_chat/metrics")

    assert read(CHAT, chunks) == read(CHAT, [*chunks, b"[DONE]"])


def test_logprobs_come_with_their_tokens(golden_body):
    """Log probabilities pass in order, the likeliest others beside them."""
    deltas = CHAT.decode(golden_body("openai_chat/logprobs.reply"), HI, None)

    assert Logprobs((TokenLogprob("Yes", -0.25, (("Yes", -0.25), ("No", -1.5))),)) in deltas


def test_tool_calls_have_dense_indexes_and_are_named_once(golden_chunks):
    """Upstream numbers 1 and 2 become 0 and 1; id and name come once although the upstream repeats them; no arguments are ``{}``."""
    deltas = read(CHAT, golden_chunks("openai_chat/tools"))

    assert [ToolCallStart(0, "call_1", "get_current_weather"), ToolCallStart(1, "call_2", "get_time")] == [
        delta for delta in deltas if isinstance(delta, ToolCallStart)
    ]
    assert {0, 1} == {delta.index for delta in deltas if isinstance(delta, ToolCallArguments)}
    assert (
        AssembledCall("call_1", "get_current_weather", '{"location": "Paris"}'),
        AssembledCall("call_2", "get_time", "{}"),
    ) == assemble(deltas).tool_calls
    assert Finish("tool_calls", "tool_calls") == assemble(deltas).finish


def test_calls_that_share_an_index_are_told_apart_by_their_ids():
    """A server that numbers every call 0 is understood by the ids."""
    calls = [{"index": 0, "id": f"call_{n}", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}).encode()

    assert [call.id for call in assemble(read(CHAT, [chunk])).tool_calls] == ["call_1", "call_2"]


@pytest.mark.parametrize(("reason", "shown"), [("length", []), ("tool_calls", [ToolCallArguments(0, "{}")])])
def test_arguments_that_were_cut_off_are_not_made_up(reason, shown):
    """A call without arguments has ``{}``, unless the limit came before they could: then nobody knows."""
    call = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ""}}
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": reason}]}).encode()

    assert [ToolCallStart(0, "call_1", "f"), *shown, Finish(reason, reason)] == read(CHAT, [chunk])


def whole(message: dict, reason: str | None) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        pytest.param(whole({"content": "Hi"}, "tool_calls"), Finish("stop", "tool_calls"), id="a call that is not there"),
        pytest.param(whole({"content": None, "tool_calls": [CALL]}, "length"), Finish("length", "length"), id="a truncated call"),
        pytest.param(
            whole({"content": None, "tool_calls": [CALL]}, "tool_calls"), Finish("tool_calls", "tool_calls"), id="a call"
        ),
        pytest.param(whole({"content": "Hi"}, "gave_up"), Finish("stop", "gave_up", known=False), id="a new word"),
        pytest.param(whole({"content": "Hi"}, "content_filter"), Finish("content_filter", "content_filter"), id="filtered"),
        pytest.param(whole({"content": None}, "stop"), Finish("stop", "stop"), id="silence, and said so"),
    ],
)
def test_reasons(body, finish):
    """A truncated call is ``length``; ``tool_calls`` is never said without one; a new word is kept and marked."""
    assert finish == assemble(CHAT.decode(body, HI, None)).finish


@pytest.mark.parametrize(
    "body",
    [
        whole({"content": "Hi"}, "abort"),
        whole({"content": None}, None),
        whole({"content": None, "tool_calls": [{"id": "call_1"}]}, "tool_calls"),
        b'{"choices":[]}',
        b'{"error":{"message":"CUDA out of memory"}}',
        b'"Hi"',
    ],
)
def test_what_is_no_reply(body):
    """A given-up generation, a nameless call, an error in a reply's clothes, no answer at all: each is malformed."""
    with pytest.raises(MalformedReply):
        CHAT.decode(body, HI, None)


@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_stop_is_honoured_here_as_well(golden_chunks, family):
    """Imports that ignore ``stop`` end at it all the same; what was consumed is unknown, so no figure is made up."""
    request = ChatRequest(HI.messages, Sampling(max_tokens=64, stop=(" light",)))
    reader = family.reader(request)
    deltas = [delta for chunk in golden_chunks("openai_chat/metrics") for delta in reader.read(chunk)]

    assert reader.cut
    assert assemble(deltas).text == "Rain bends"
    assert Finish("stop", stop=" light") == assemble(deltas).finish
    assert assemble(deltas).usage is None


def test_cached_tokens_stay_inside_the_prompt():
    """OpenAI's prompt count includes what a cache gave; so does ours."""
    body = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":32}}}'

    assert Usage(40, 2, cache_read_tokens=32) == assemble(CHAT.decode(body, HI, None)).usage


def test_a_completion_with_tools_and_logprobs_is_the_golden_one(golden_body):
    """Tools stand in the prompt as Qwen's template writes them; ``logprobs`` is the number of the likeliest."""
    request = ChatRequest(
        (
            Message("system", (Text("Be kind."),)), Message("user", (Text("Weather in Paris?"),)),
            Message("assistant", (), (ToolCall("call_1", "get_weather", '{"city": "Paris"}'),)),
            Message("tool", (Text('{"sky": "clear"}'),), tool_call_id="call_1"),
            Message("assistant", (Text("Clear."),)), Message("user", (Text("And in Rome?"),)),
        ),
        Sampling(max_tokens=64, logprobs=True, top_logprobs=2),
        tools=(QWENS,),
    )  # fmt: skip

    assert json.loads(golden_body("openai_completion/tools.request")) == json.loads(COMPLETION.encode(request, True))


QWENS = ToolSpec(
    "get_weather", "The weather of a city", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)
ASKED = ChatRequest(HI.messages, HI.sampling, (QWENS,))


@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_calls_that_nobody_at_aws_took_out_of_the_text(golden_chunks, family):
    """Of all imports only gpt-oss's calls come as calls; of the others they are found in the text."""
    reply = assemble(read(family, golden_chunks("openai_completion/tools"), ASKED))

    assert reply.text == "Let me look.\n"
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("get_weather", '{"city": "Paris"}')]
    assert reply.finish == Finish("tool_calls", "stop")


@pytest.mark.parametrize("chunks", ["openai_chat/thinking", "openai_chat/harmony", "llama3/thinking"])
@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_thoughts_in_the_text_are_told_apart(golden_chunks, family, chunks):
    """Qwen's tags, harmony's channels: whatever shape they come in."""
    reply = assemble(read(family, golden_chunks(chunks)))

    assert (reply.reasoning, reply.text) == ("They greet.", "Hello!")


def test_reasoning_of_gpt_oss_stands_in_its_content(golden_body):
    """Bedrock's own gpt-oss writes it between tags."""
    reply = assemble(CHAT.decode(golden_body("openai_chat/reasoning.reply"), HI, None))

    assert (reply.reasoning, reply.text) == ("They greet.", "Hello!")


def test_a_completions_logprobs_are_lists_side_by_side(golden_body):
    """Token by token, the likeliest others with it."""
    deltas = COMPLETION.decode(golden_body("openai_completion/logprobs.reply"), HI, None)

    assert (
        Logprobs((TokenLogprob(" Yes", -0.25, ((" Yes", -0.25), (" No", -1.5))), TokenLogprob(".", -0.5, ((".", -0.5),))))
        in deltas
    )


@pytest.mark.parametrize(
    ("logprobs", "told"),
    [
        ({"tokens": ["a", "b"], "token_logprobs": [None, -1.0], "top_logprobs": None}, (TokenLogprob("b", -1.0),)),
        ({"tokens": ["a", "b"], "token_logprobs": [-2.0], "top_logprobs": [None]}, (TokenLogprob("a", -2.0),)),
        ({"tokens": [], "token_logprobs": [-2.0], "top_logprobs": []}, ()),
    ],
    ids=["a token of the prompt", "lists of different lengths", "no token"],
)
def test_logprobs_with_holes(logprobs, told):
    """A token without a probability was not generated; a probability without a token says nothing."""
    body = json.dumps({"choices": [{"text": "x", "logprobs": logprobs, "finish_reason": "stop"}]}).encode()

    assert told == assemble(COMPLETION.decode(body, HI, None)).logprobs


@pytest.mark.parametrize(
    ("sampling", "sent"), [(Sampling(logprobs=True), 0), (Sampling(logprobs=True, top_logprobs=5), 5), (Sampling(), None)]
)
def test_a_completion_asks_for_logprobs_by_number(sampling, sent):
    """Zero asks for the chosen tokens alone."""
    assert json.loads(COMPLETION.encode(ChatRequest(HI.messages, sampling), False)).get("logprobs") == sent


def test_a_completion_answers_to_a_schema_itself():
    """The form takes ``response_format``, so no tool is hidden."""
    wanted = ResponseFormat("json_schema", "answer", {"type": "object"})
    body = json.loads(COMPLETION.encode(ChatRequest(HI.messages, HI.sampling, response_format=wanted), False))

    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    assert COMPLETION.emulates == {"tools", "tool_choice", "parallel_tool_calls"}


@pytest.mark.parametrize(
    ("name", "template", "prompt"),
    [
        ("llama3", "chatml", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"),
        ("llama3", "mistral", "<s>[INST] Hi [/INST]"),
        ("llama3", "plain", "Hi"),
        ("mistral", "chatml", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"),
        (
            "openai_completion",
            "granite",
            "<|start_of_role|>user<|end_of_role|>Hi<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
        ),
        ("openai_completion", "plain", "Hi"),
    ],
)
def test_an_import_of_any_architecture_has_its_own_template(name, template, prompt):
    """The body is the family's, the prompt the template's: old imports of Qwen or Mistral, Flan, Granite."""
    family = family_of(name, template)
    body = json.loads(family.encode(HI, False))

    assert body.pop("prompt") == prompt
    assert body == {key: value for key, value in json.loads(FAMILIES[name].encode(HI, False)).items() if key != "prompt"}
    assert family.name == name
    assert ("tools" in family.accepts) == (template in {"chatml", "granite"})


def test_a_template_of_a_family_that_writes_no_prompt_is_of_no_use():
    """AWS may tell that a model wants another family; then the family's way is the only one."""
    assert family_of("claude", "chatml") is FAMILIES["claude"]
    assert family_of("llama3", None) is FAMILIES["llama3"]
    assert family_of("llama3", "chatml") is family_of("llama3", "chatml")
