"""transformers judges the prompts that a model's own chat template writes, and the tokens they have."""

import json
from datetime import datetime
from pathlib import Path

import pytest
import tokenizers
from transformers import PreTrainedTokenizerFast

from adapters.prompts.checkpoint import Checkpoint
from adapters.prompts.jinja import Writer
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.parse import parse_chat
from gateway.templating.jobs import Count, Counted, Learn
from gateway.templating.worker import Tokens

TEMPLATES = Path(__file__).parents[1] / "golden" / "chat_templates"
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.jinja"))

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city, in °C & more: <sunny>, 'rainy'",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {
    "type": "function",
    "function": {"name": "get_time", "description": "What time it is", "parameters": {"type": "object", "properties": {}}},
}
USER = {"role": "user", "content": "  What is the weather in Zürich? {{ 7 * 7 }} {% raise %} "}
SYSTEM = {"role": "system", "content": "You answer briefly.\n"}
ASSISTANT = {"role": "assistant", "content": " Sunny, 21 °C. "}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "id": "abcdef123",
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "Zürich <b>", "days": 2}},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "abcdef123", "name": "get_weather", "content": '{"celsius": 21}'}
FINAL = {"role": "user", "content": "And tomorrow?"}

CONVERSATIONS = {
    "one turn": ([USER], None),
    "system": ([SYSTEM, USER], None),
    "several turns": ([USER, ASSISTANT, FINAL], None),
    "system and several turns": ([SYSTEM, USER, ASSISTANT, FINAL], None),
    "tools": ([USER], [WEATHER]),
    "system and two tools": ([SYSTEM, USER], [WEATHER, CLOCK]),
    "tool result": ([USER, CALL, RESULT], [WEATHER]),
    "after a tool": ([SYSTEM, USER, CALL, RESULT, ASSISTANT, FINAL], [WEATHER, CLOCK]),
}
WITHOUT_SYSTEM = {"gemma", "mistral-7b", "mixtral-8x7b"}
WITH_TOOLS = {"llama-3.1", "llama-3.2", "qwen2.5", "qwen3", "granite-3.1", "granite-3.3", "mistral-nemo-2407"}
READS_PARTS = {"gemma-parts"}


def takes(name, title):
    messages, tools = CONVERSATIONS[title]
    return not (SYSTEM in messages and name in WITHOUT_SYSTEM) and (tools is None or name in WITH_TOOLS)


CASES = [(name, title) for name in NAMES for title in CONVERSATIONS if takes(name, title)]


def template(name):
    return (TEMPLATES / f"{name}.jinja").read_text()


@pytest.fixture(scope="module")
def tokenizer():
    """A small one: every byte is a token, and so are a few marks."""
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={}, merges=[]))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.train_from_iterator(["What is the weather in the city?"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=model, bos_token="<s>", eos_token="</s>")


def asked(messages, tools):
    """The request as a client of the gateway sends it: arguments in a text, as OpenAI has them."""
    messages = json.loads(json.dumps(messages))
    for message in messages:
        message.pop("name", None)
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    body = {"model": "m", "messages": messages} | ({"tools": tools} if tools else {})
    return parse_chat(json.dumps(body).encode(), Arrival("id", Key(id="", name="", owner="", hash=""), 0.0)).request


def in_parts(messages):
    return [message | {"content": [{"type": "text", "text": message["content"]}]} for message in messages]


def written(name, messages, tools):
    writer = Writer(Checkpoint({"default": template(name)}, {"bos_token": "<s>", "eos_token": "</s>"}), datetime.now)
    return writer.write(asked(messages, tools), most_characters=100_000)


@pytest.mark.parametrize(("name", "title"), CASES, ids=[f"{name}: {title}" for name, title in CASES])
def test_transformers_writes_the_same(tokenizer, name, title):
    """Character for character, for everything that the template has a place for."""
    messages, tools = CONVERSATIONS[title]
    tokenizer.chat_template = template(name)
    theirs = tokenizer.apply_chat_template(
        in_parts(messages) if name in READS_PARTS else messages, tools=tools, add_generation_prompt=True, tokenize=False
    )

    assert written(name, messages, tools) == theirs


@pytest.mark.parametrize("name", NAMES)
def test_transformers_carries_on_the_same(tokenizer, name):
    """An assistant's last turn is left open as ``continue_final_message`` leaves it, but for white space at its end."""
    messages = [USER, {"role": "assistant", "content": " Sunny, 21"}]
    tokenizer.chat_template = template(name)
    theirs = tokenizer.apply_chat_template(
        in_parts(messages) if name in READS_PARTS else messages, continue_final_message=True, tokenize=False
    )

    assert written(name, [USER, {"role": "assistant", "content": " Sunny, 21 \n"}], None) == theirs


@pytest.mark.parametrize(("name", "title"), [case for case in CASES if case[1] in {"one turn", "after a tool"}])
def test_transformers_counts_the_same(tokenizer, name, title):
    """The tokens of the prompt, special ones included, none added."""
    messages, tools = CONVERSATIONS[title]
    tokenizer.chat_template = template(name)
    theirs = tokenizer.apply_chat_template(
        in_parts(messages) if name in READS_PARTS else messages, tools=tools, add_generation_prompt=True, return_dict=False
    )
    body = tokenizer.backend_tokenizer.to_str().encode()
    room = Tokens()
    room.do(Learn("t", body), len(body))

    assert room.do(Count("t", written(name, messages, tools)), 0) == Counted(len(theirs))


def test_there_are_enough_of_them():
    """At least ten public models, and tools in at least five."""
    assert len(NAMES) >= 14
    assert len(WITH_TOOLS & set(NAMES)) >= 6
