"""No body, however odd, breaks the sandbox: it is read, or refused with AWS's ``ValidationException``."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.dialects import converse
from gateway.sandbox.dialects.catalogue import dialect_of
from gateway.sandbox.dialects.dialect import Origin, check_schemas, read, require
from gateway.sandbox.errors import AwsError
from gateway.sandbox.models import Shelf, models
from gateway.sandbox.replies.answer import answer

SHELF = Shelf(models(), "us-west-2")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SPEC = {"toolSpec": {"name": "get_weather", "description": "d", "inputSchema": {"json": SCHEMA}}}
TURNS = [
    {"role": "user", "content": [{"text": "Weather in Oslo?"}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "get_weather", "input": {}}}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "cold"}, {"json": {"a": 1}}]}}]},
]
CONVERSE = {
    "messages": TURNS,
    "system": [{"text": "Be kind."}],
    "inferenceConfig": {"maxTokens": 20, "stopSequences": ["x"]},
    "toolConfig": {"tools": [SPEC], "toolChoice": {"tool": {"name": "get_weather"}}},
}
BODIES = {
    "titan-support": {"inputText": "User: hi\nBot:", "textGenerationConfig": {"maxTokenCount": 9, "stopSequences": ["|"]}},
    "command-light-support": {"prompt": "hi", "stop_sequences": ["x"], "num_generations": 2, "stream": True},
    "llama3-support": {"prompt": f"Given the following functions: {json.dumps(SPEC)} Weather in Oslo?", "max_gen_len": 20},
    "haiku-support": {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 20,
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Oslo?"}, {"type": "image", "source": {"type": "base64"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x"}]}],
            },
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f"},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    },
    "nova-lite-support": CONVERSE,
    "gpt-oss-import": {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Oslo?"}, {"type": "image_url", "image_url": {"url": "data:x"}}],
            },
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "tool", "content": '{"a": 1}', "tool_call_id": "t"},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
        "structured_outputs": {"json": SCHEMA},
        "stop": ["x"],
        "stream_options": {"include_usage": True},
    },
    "mistral-import": {"prompt": "<s>[INST] hi [/INST]", "stop": ["x"], "max_tokens": 5},
    "cohere.command-r-v1:0": {
        "message": "Weather?",
        "chat_history": [
            {"role": "USER", "message": "hi"},
            {"role": "CHATBOT", "message": "", "tool_calls": [{"name": "f", "parameters": {}}]},
            {"role": "TOOL", "tool_results": [{"call": {"name": "f"}, "outputs": [{"a": 1}]}]},
        ],
        "documents": [{"snippet": "s"}],
        "tools": [{"name": "f", "description": "d", "parameter_definitions": {"city": {"type": "List[str]"}}}],
        "return_prompt": True,
        "tool_results": [{"call": {"name": "f"}, "outputs": [{"a": 1}]}],
    },
    "mistral.mistral-large-2407-v1:0": {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Weather in Oslo?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "abcdefghi", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "content": "1", "tool_call_id": "abcdefghi"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
        "tool_choice": "any",
    },
    "amazon.titan-embed-text-v2:0": {"inputText": "hi", "dimensions": 256, "embeddingTypes": ["binary"]},
    "cohere.embed-english-v3": {"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["int8"]},
}
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 10**9), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "text", "name", "json", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, path=()):
    """Every path into a JSON value, the root's own left out."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def is_validation(refusal):
    """What a refusal must be; any other exception fails the test by itself."""
    assert refusal.name == "ValidationException"


def spoilt(body, path, value):
    changed = copy.deepcopy(body)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


@given(st.data(), st.sampled_from(sorted(BODIES)), ODD)
def test_one_odd_value_anywhere(data, name, odd):
    """Any one value of a rich body replaced by any other: the body is answered, whole and streamed, or refused."""
    body = spoilt(BODIES[name], data.draw(st.sampled_from(list(places(BODIES[name])))), odd)
    origin = Origin(SHELF.find(name), "0123456789abcdef" * 4)
    dialect = dialect_of(origin.model)
    try:
        ask = read(dialect, body, origin)
    except AwsError as refusal:
        is_validation(refusal)
        return
    told = answer(ask, lead=dialect.lead)

    assert json.dumps(dialect.whole(told, ask, origin))
    assert json.dumps([chunk.body for chunk in dialect.chunks(told, ask, origin)]) is not None


@given(st.data(), ODD)
def test_one_odd_value_anywhere_in_converse(data, odd):
    """The same for Converse's own body."""
    rich = CONVERSE | {"outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}}}
    body = spoilt(rich, data.draw(st.sampled_from(list(places(rich)))), odd)
    origin = Origin(SHELF.find("haiku-support"), "0123456789abcdef" * 4)
    try:
        require(body, converse.SCHEMA)
        ask = converse.ask(body, origin, max_tokens=20, stop=body.get("inferenceConfig", {}).get("stopSequences", ()))
        check_schemas(ask)
    except AwsError as refusal:
        is_validation(refusal)
        return

    assert json.dumps(converse.whole(answer(ask), origin))
