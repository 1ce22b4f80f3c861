"""What each family's body may hold, how refusals are worded, and how replies end. Sources: AWS's parameter pages."""

import json
import re

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.completion_choice import Logprobs

from gateway.sandbox.conversation import Ask, Tool, Turn
from gateway.sandbox.dialects.catalogue import dialect_of
from gateway.sandbox.dialects.dialect import Origin
from gateway.sandbox.errors import AwsError
from gateway.sandbox.models import Shelf, models
from gateway.sandbox.replies.answer import answer

SHELF = Shelf(models(), "us-west-2")
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": "Count to 30"}]}
MINIMAL = {
    "titan-support": {"inputText": "Count to 30"},
    "command-light-support": {"prompt": "Count to 30", "stream": True},
    "llama2-support": {"prompt": "Count to 30"},
    "haiku-support": CLAUDE,
    "nova-lite-support": {"messages": [{"role": "user", "content": [{"text": "Count to 30"}]}]},
    "gpt-oss-import": {"messages": [{"role": "user", "content": "Count to 30"}]},
    "mistral-import": {"prompt": "Count to 30"},
    "cohere.command-r-v1:0": {"message": "Count to 30"},
    "mistral.mistral-large-2407-v1:0": {"messages": [{"role": "user", "content": "Count to 30"}]},
}
LARGE = "mistral.mistral-large-2407-v1:0"


def origin_of(name, *, streamed=False):
    return Origin(SHELF.find(name), "0123456789abcdef" * 4, streamed)


def read(name, body):
    return dialect_of(SHELF.find(name)).read(body, origin_of(name))


def told(name, body):
    """The whole reply and the chunks of the stream to one body."""
    dialect = dialect_of(SHELF.find(name))
    ask = dialect.read(body, origin_of(name))
    made = answer(ask, lead=dialect.lead)
    origin = origin_of(name)
    return dialect.whole(made, ask, origin), [chunk.body for chunk in dialect.chunks(made, ask, origin)]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("titan-support", {"temperature": 1}, "#: extraneous key [temperature] is not permitted"),
        ("titan-support", {"textGenerationConfig": {"maxTokenCount": 8193}}, "8193 is not less or equal to 8192"),
        ("titan-support", {"textGenerationConfig": {"topP": 0}}, "#/textGenerationConfig/topP: 0 is not greater than 0"),
        ("command-light-support", {"temperature": 5.1}, "#/temperature: 5.1 is not less or equal to 5"),
        ("command-light-support", {"stop_sequences": list("abcde")}, "expected maximum item count: 4, found: 5"),
        ("llama2-support", {"max_gen_len": 2049}, "#/max_gen_len: 2049 is not less or equal to 2048"),
        ("llama2-support", {"stop": []}, "extraneous key [stop]"),
        ("haiku-support", {"model": "x"}, "extraneous key [model]"),
        ("haiku-support", {"stream": True}, "extraneous key [stream]"),
        ("haiku-support", {"temperature": 1.2}, "#/temperature: 1.2 is not less or equal to 1"),
        ("haiku-support", {"anthropic_version": "2023-06-01"}, "2023-06-01 is not a valid enum value"),
        ("haiku-support", {"max_tokens": 4097}, "max_tokens: 4097 > 4096, which is the maximum allowed number of output tokens"),
        ("haiku-support", {"messages": []}, "#/messages: expected minimum item count: 1, found: 0"),
        ("haiku-support", {"messages": [{"role": "assistant", "content": "x"}]}, 'first message must use the "user" role'),
        ("haiku-support", {"messages": [{"role": "system", "content": "x"}]}, "system is not a valid enum value"),
        ("haiku-support", {"messages": [{"role": "user", "content": ""}]}, "text content blocks must be non-empty"),
        ("haiku-support", {"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing tools"),
        (
            "haiku-support",
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}]},
            "unexpected `tool_use_id` found in `tool_result` blocks: t",
        ),
        ("nova-lite-support", {"inferenceConfig": {"temperature": 2}}, "2 is not less or equal to 1"),
        (
            "nova-lite-support",
            {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "title": "F"}}}}]}},
            "#/toolConfig/tools/0/toolSpec/inputSchema/json: extraneous key [title] is not permitted",
        ),
        (
            "nova-lite-support",
            {"toolConfig": {"tools": [{"cachePoint": {"type": "default"}}]}},
            "#/toolConfig/tools/0: extraneous key [cachePoint] is not permitted",
        ),
        (
            "nova-lite-support",
            {
                "messages": [
                    {"role": "user", "content": [{"text": "?"}, {"document": {"format": "txt", "name": "a", "source": {}}}]}
                ]
            },
            "#/messages/0/content/1: extraneous key [document] is not permitted",
        ),
        ("gpt-oss-import", {"temperature": 3}, "#/temperature: 3 is not less or equal to 2"),
        ("mistral-import", {"stop": [str(number) for number in range(11)]}, "expected maximum item count: 10, found: 11"),
        ("cohere.command-r-v1:0", {"prompt": "x"}, "extraneous key [prompt]"),
        ("cohere.command-r-v1:0", {"stream": True}, "extraneous key [stream]"),
        ("cohere.command-r-v1:0", {"p": 1}, "#/p: 1 is not less or equal to 0.99"),
        (
            "cohere.command-r-v1:0",
            {"message": "", "tool_results": [{"call": {"name": "f"}, "outputs": [{"text": "1"}]}]},
            "Invalid parameter combination",
        ),
        (LARGE, {"prompt": "x"}, "extraneous key [prompt]"),
        (LARGE, {"stop": ["x"]}, "extraneous key [stop]"),
        (LARGE, {"tool_choice": "required"}, "required is not a valid enum value"),
        (
            LARGE,
            {"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]},
            "Unexpected role 'system' after role 'user'",
        ),
        (LARGE, {"messages": [{"role": "assistant", "content": "x"}]}, "Expected last role User or Tool"),
        (
            LARGE,
            {"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "y", "tool_call_id": "call_1"}]},
            "Tool call id was call_1 but must be",
        ),
    ],
)
def test_refusals(name, change, words):
    """A body outside its family's page is refused with the reason in it."""
    with pytest.raises(AwsError, match=re.escape(words)) as caught:
        read(name, MINIMAL[name] | change)

    assert caught.value.name == "ValidationException"


@pytest.mark.parametrize("name", MINIMAL)
def test_minimal_bodies_are_read(name):
    """The required fields alone are enough, and the question is found."""
    ask = read(name, MINIMAL[name])

    assert ask.turns[-1].text == "Count to 30"
    assert ask.max_tokens > 0


@pytest.mark.parametrize(
    ("name", "limit", "reason"),
    [
        (
            "titan-support",
            {"textGenerationConfig": {"maxTokenCount": 5}},
            lambda body: body["results"][0]["completionReason"] == "LENGTH",
        ),
        ("command-light-support", {"max_tokens": 5}, lambda body: body["generations"][0]["finish_reason"] == "MAX_TOKENS"),
        (
            "llama2-support",
            {"max_gen_len": 5},
            lambda body: body["stop_reason"] == "length" and body["generation_token_count"] == 5,
        ),
        (
            "haiku-support",
            {"max_tokens": 5},
            lambda body: body["stop_reason"] == "max_tokens" and body["usage"]["output_tokens"] == 5,
        ),
        ("nova-lite-support", {"inferenceConfig": {"maxTokens": 5}}, lambda body: body["stopReason"] == "max_tokens"),
        ("gpt-oss-import", {"max_tokens": 5}, lambda body: body["choices"][0]["finish_reason"] == "length"),
        ("mistral-import", {"max_tokens": 5}, lambda body: body["outputs"][0]["stop_reason"] == "length"),
        ("cohere.command-r-v1:0", {"max_tokens": 5}, lambda body: body["finish_reason"] == "MAX_TOKENS"),
        (LARGE, {"max_tokens": 5}, lambda body: body["choices"][0]["finish_reason"] == "length"),
    ],
)
def test_ceiling_has_the_familys_word(name, limit, reason):
    """A reply cut at the ceiling says so as its family does."""
    body, _ = told(name, MINIMAL[name] | limit)

    assert reason(body)


def test_claude_names_the_stop_sequence_that_hit():
    """Alone among the families."""
    body, chunks = told("haiku-support", CLAUDE | {"stop_sequences": ["7", "nine"]})

    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "7")
    assert chunks[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "7"}


def test_claude_stream_has_the_recorded_order():
    """message_start, a block with its deltas, message_delta with the count, message_stop."""
    _, chunks = told("haiku-support", CLAUDE)
    kinds = [chunk["type"] for chunk in chunks]

    assert kinds[:2] == ["message_start", "content_block_start"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_claude_tool_call_streams_its_arguments_as_partial_json():
    """The pieces, of which the first is empty, join to the arguments of the whole reply."""
    tool = {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    question = {"messages": [{"role": "user", "content": "How is the weather in Oslo?"}], "tools": [tool]}
    body, chunks = told("haiku-support", CLAUDE | question)
    partial = [chunk["delta"]["partial_json"] for chunk in chunks if chunk.get("delta", {}).get("type") == "input_json_delta"]

    assert body["stop_reason"] == "tool_use"
    assert body["content"][0]["input"] == json.loads("".join(partial)) == {"city": "Oslo"}
    assert partial[0] == ""


def test_llama_writes_a_tool_call_as_text():
    """Llama 3.1's published format: one JSON object with name and parameters."""
    function = {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    offer = f"Given the following functions, please respond with a JSON for a function call.\n\n{json.dumps(function)}\n\nWeather in Oslo?"
    prompt = f"<|start_header_id|>user<|end_header_id|>\n\n{offer}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    body, _ = told("llama3-support", {"prompt": prompt})

    assert json.loads(body["generation"]) == {"name": "get_weather", "parameters": {"city": "Oslo"}}
    assert body["stop_reason"] == "stop"


def test_llama_stream_counts_up_and_tells_the_prompt_once():
    """As recorded: the prompt's tokens in the first chunk alone, an empty chunk at the end."""
    _, chunks = told("llama2-support", MINIMAL["llama2-support"])

    assert [chunk["prompt_token_count"] is None for chunk in chunks] == [False] + [True] * (len(chunks) - 1)
    assert [chunk["generation_token_count"] for chunk in chunks[:-1]] == list(range(1, len(chunks)))
    assert (chunks[-1]["generation"], chunks[-1]["stop_reason"]) == ("", "stop")


def test_command_without_stream_comes_as_one_chunk():
    """The operation alone does not make Cohere Command stream."""
    body, chunks = told("command-light-support", {"prompt": "Count to 30"})

    assert chunks == [body]


def test_nova_gives_every_delta_an_index_of_its_own():
    """As recorded: a stop after each delta, indexes that only grow."""
    _, chunks = told("nova-lite-support", MINIMAL["nova-lite-support"])
    indexes = [chunk["contentBlockDelta"]["contentBlockIndex"] for chunk in chunks if "contentBlockDelta" in chunk]

    assert indexes == list(range(len(indexes)))
    assert list(chunks[-1]) == ["metadata"]


def test_chat_import_streams_usage_only_when_asked():
    """``stream_options.include_usage`` adds a chunk without choices at the end."""
    body = MINIMAL["gpt-oss-import"] | {"stream_options": {"include_usage": True}}
    _, plain = told("gpt-oss-import", MINIMAL["gpt-oss-import"])
    _, counted = told("gpt-oss-import", body)

    assert all(chunk["choices"] for chunk in plain)
    assert counted[-1]["choices"] == []
    assert counted[-1]["usage"]["total_tokens"] > 30


def test_chat_import_follows_a_schema():
    """``response_format`` with a schema gets JSON that follows it, in the text."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    messages = [{"role": "user", "content": "I live in Lisbon."}]
    body, _ = told("gpt-oss-import", {"messages": messages, "response_format": wanted})

    assert json.loads(body["choices"][0]["message"]["content"]) == {"city": "Lisbon"}


def test_imports_without_tools_ignore_them():
    """Only gpt-oss imports call tools; elsewhere the field is unknown, and unknown fields are ignored."""
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
    messages = [{"role": "user", "content": "How is the weather?"}]
    called, _ = told("gpt-oss-import", {"messages": messages, "tools": tools})
    ignored, _ = told("qwen-import", {"messages": messages, "tools": tools})

    assert called["choices"][0]["finish_reason"] == "tool_calls"
    assert ignored["choices"][0]["finish_reason"] == "stop"


def test_stream_field_needs_the_stream_operation():
    """``"stream": true`` on the operation that does not stream is a contradiction."""
    with pytest.raises(AwsError, match="InvokeModelWithResponseStream"):
        read("gpt-oss-import", MINIMAL["gpt-oss-import"] | {"stream": True})


WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "parameter_definitions": {"city": {"type": "str", "required": True}},
}


def test_command_r_calls_a_tool_without_an_id():
    """Its tools are defined in Cohere's own words, its calls have a name and parameters only: in pieces, then whole."""
    body, chunks = told("cohere.command-r-v1:0", {"message": "Weather in Oslo?", "tools": [WEATHER]})
    pieces = [chunk["tool_call_delta"] for chunk in chunks if chunk["event_type"] == "tool-calls-chunk"]

    assert (
        body["tool_calls"] == body["chat_history"][-1]["tool_calls"] == [{"name": "get_weather", "parameters": {"city": "Oslo"}}]
    )
    assert pieces[0] == {"index": 0, "name": "get_weather"}
    assert json.loads("".join(piece.get("parameters", "") for piece in pieces)) == {"city": "Oslo"}
    assert [chunk["event_type"] for chunk in chunks if chunk["event_type"] != "tool-calls-chunk"] == [
        "stream-start",
        "tool-calls-generation",
        "stream-end",
    ]


def test_command_r_goes_on_from_its_own_history():
    """What it echoed goes back as it is, with the results beside it and no message; earlier results stand in TOOL turns."""
    body, _ = told("cohere.command-r-v1:0", {"message": "Weather in Oslo?", "tools": [WEATHER]})
    result = {"call": body["tool_calls"][0], "outputs": [{"degrees": 3}]}
    after = {"message": "", "tools": [WEATHER], "tool_results": [result], "chat_history": body["chat_history"]}
    later = {"role": "TOOL", "tool_results": [result]}

    answered, _ = told("cohere.command-r-v1:0", after)
    ask = read("cohere.command-r-v1:0", {"message": "And now?", "chat_history": [*body["chat_history"], later]})

    assert "degrees: 3" in answered["text"]
    assert [turn.role for turn in ask.turns] == ["user", "assistant", "tool", "user"]


@pytest.mark.parametrize(
    ("python_type", "schema"),
    [
        ("str", {"type": "string"}),
        ("Optional[int]", {"type": "integer"}),
        ("Union[float, str]", {"type": "number"}),
        ("List[List[bool]]", {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}),
        ("Dict[str, int]", {"type": "object"}),
        ("Whatever", {"type": "string"}),
    ],
)
def test_command_r_reads_pythons_types(python_type, schema):
    """A parameter's type is a Python type, whatever it is made of."""
    tool = WEATHER | {"parameter_definitions": {"city": {"type": python_type}}}
    ask = read("cohere.command-r-v1:0", {"message": "Hi", "tools": [tool]})

    assert ask.tools[0].parameters["properties"]["city"] == schema | {"description": ""}


def test_command_r_cites_documents_and_shows_its_prompt():
    """Both only where they were asked for."""
    plain, _ = told("cohere.command-r-v1:0", {"message": "Count to 3"})
    more = {"documents": [{"title": "Numbers", "snippet": "One is a number."}], "return_prompt": True}
    cited, chunks = told("cohere.command-r-v1:0", {"message": "Count to 3", **more})

    assert {"citations", "prompt"}.isdisjoint(plain)
    assert cited["citations"][0]["document_ids"] == ["doc_0"]
    assert "Count to 3" in cited["prompt"]
    assert "citation-generation" in [chunk["event_type"] for chunk in chunks]


def test_mistral_large_tells_a_call_with_the_end():
    """Whole in OpenAI's envelope, streamed in Mistral's own; the id has Mistral's nine characters."""
    function = {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    body, chunks = told(
        LARGE,
        {"messages": [{"role": "user", "content": "Weather in Oslo?"}], "tools": [{"type": "function", "function": function}]},
    )
    (choice,) = body["choices"]
    (call,) = choice["message"]["tool_calls"]

    assert choice["finish_reason"] == chunks[-1]["choices"][0]["stop_reason"] == "tool_calls"
    assert chunks[-1]["choices"][0]["message"]["tool_calls"] == [call]
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
    assert re.fullmatch("[a-zA-Z0-9]{9}", call["id"])
    assert chunks[-1]["usage"] == body["usage"]


def test_values_of_a_conversation_are_plain():
    """An ``Ask`` can be made by hand, in one line."""
    tool = Tool("f", "", {"type": "object"})

    assert answer(Ask((Turn("user", "hi"),), "hi", 5, tools=(tool,), tool_choice="f")).call.name == "f"


VISION = "meta.llama3-2-11b-instruct-v1:0"


def test_an_image_is_a_field_of_the_llama_that_sees_alone():
    """Base64 in ``images``, one of them; to the others the field is a stranger."""
    ask = read(VISION, {"prompt": "<|start_header_id|>user<|end_header_id|>\n\n<|image|>What?", "images": ["aGk="]})
    with pytest.raises(AwsError, match="#/images"):
        read(VISION, {"prompt": "a", "images": ["aGk=", "aGk="]})
    with pytest.raises(AwsError, match=r"extraneous key \[images\]"):
        read("llama3-support", {"prompt": "a", "images": ["aGk="]})

    assert (ask.images, ask.turns) == (1, (Turn("user", "What?"),))


@pytest.mark.parametrize(("field", "places"), [({"logprobs": 2}, 2), ({"logprobs": 0}, None), ({}, None)])
def test_a_completion_tells_log_probabilities_where_asked(field, places):
    """OpenAI's lists side by side; in a stream the same, place by place."""
    whole, chunks = told("qwen-import", {"prompt": "Count to 3", "max_tokens": 20, **field})
    told_of = [body["choices"][0]["logprobs"] for body in (whole, *chunks)]
    said, *parts = [Logprobs.model_validate(value) if value else None for value in told_of]

    assert (said is not None) == bool(field)
    if said is not None:
        assert "".join(said.tokens) == whole["choices"][0]["text"]
        assert [part.tokens[0] for part in parts] == said.tokens
        assert [part.text_offset[0] for part in parts] == said.text_offset
        assert (said.top_logprobs and len(said.top_logprobs[0])) == places


def test_a_chat_tells_log_probabilities_where_asked():
    """OpenAI's list of tokens; of a stream each chunk has its own."""
    asked = {"messages": [{"role": "user", "content": "Count to 3"}], "logprobs": True, "top_logprobs": 1}
    whole, chunks = told("gpt-oss-import", asked)
    tokens = ChatCompletion.model_validate(whole).choices[0].logprobs.content
    parts = [ChatCompletionChunk.model_validate(chunk).choices[0].logprobs for chunk in chunks]

    assert "".join(token.token for token in tokens) == whole["choices"][0]["message"]["content"]
    assert [part.content[0].token for part in parts if part] == [token.token for token in tokens]


@pytest.mark.parametrize(
    "body", [{"messages": [{"role": "user", "content": "Say: 7 /think"}]}, {"prompt": "Say: 7 /think", "max_tokens": 60}]
)
def test_qwen_thinks_when_it_is_told_to(body):
    """In its text, between tags, whole and streamed; the answer is the one it gives without."""
    whole, chunks = told("qwen-import", body)
    choice = whole["choices"][0]
    text = choice["text"] if "text" in choice else choice["message"]["content"]
    parts = [chunk["choices"][0].get("text") or chunk["choices"][0].get("delta", {}).get("content") or "" for chunk in chunks]

    assert re.fullmatch(r"<think>\n[^<]+\n</think>\n\n7", text)
    assert "".join(parts) == text
