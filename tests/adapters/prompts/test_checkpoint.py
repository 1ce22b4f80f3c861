"""What a model's own files say of its prompt."""

import hashlib
import json

import pytest

from adapters.prompts.checkpoint import MOST_TEMPLATE_CHARACTERS, Checkpoint, checkpoint

JINJA = b"{{ 'jinja' }}"
CONFIG = {"chat_template": "config", "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False}, "pad_token": None}


def files(**changes):
    named = {
        "chat_template.jinja": changes.get("jinja"),
        "chat_template.json": changes.get("json"),
        "tokenizer_config.json": changes.get("config"),
        "special_tokens_map.json": changes.get("special"),
    }
    return {
        name: value if isinstance(value, bytes) else json.dumps(value).encode()
        for name, value in named.items()
        if value is not None
    }


@pytest.mark.parametrize(
    ("there", "templates"),
    [
        ({"jinja": JINJA, "json": {"chat_template": "json"}, "config": CONFIG}, {"default": "{{ 'jinja' }}"}),
        ({"json": {"chat_template": "json"}, "config": CONFIG}, {"default": "json"}),
        ({"config": CONFIG}, {"default": "config"}),
        (
            {"config": {"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}},
            {"default": "a", "tool_use": "b"},
        ),
        ({"config": {"chat_template": {"default": "a", "rag": "b"}}}, {"default": "a", "rag": "b"}),
    ],
    ids=["jinja first", "then json", "then the configuration", "named", "named by a mapping"],
)
def test_which_template_counts(there, templates):
    """The precedence of transformers and of Bedrock's import."""
    assert checkpoint(files(**there)).templates == templates


@pytest.mark.parametrize("there", [{}, {"config": {"bos_token": "<s>"}}, {"special": {"bos_token": "<s>"}}])
def test_no_template_is_no_checkpoint(there):
    """A model without a chat template is common, and no error."""
    assert checkpoint(files(**there)) is None


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ({"jinja": b"\xff\xfe"}, "chat_template.jinja"),
        ({"json": b"{"}, "chat_template.json"),
        ({"json": {}}, "chat_template.json"),
        ({"config": b"[]"}, "tokenizer_config.json"),
        ({"config": b"\xff"}, "tokenizer_config.json"),
        ({"config": b'{"a":' + b"[" * 100_000}, "tokenizer_config.json"),
        ({"config": {"chat_template": 5}}, "tokenizer_config.json"),
        ({"config": {"chat_template": []}}, "default"),
        ({"config": {"chat_template": [{"name": "default"}]}}, "name and a template"),
        ({"config": {"chat_template": ["default"]}}, "named templates"),
        ({"jinja": b"x" * (MOST_TEMPLATE_CHARACTERS + 1)}, "longer than"),
        ({"jinja": JINJA, "config": CONFIG, "special": b"{"}, "special_tokens_map.json"),
    ],
)
def test_a_malformed_file_is_an_error(there, named):
    """It is named, and the next file in line is not taken instead."""
    with pytest.raises(ValueError, match=named):
        checkpoint(files(**there))


def test_tokens():
    """Named tokens are what a template sees; every special one is known, written as a text or as an object."""
    config = CONFIG | {
        "added_tokens_decoder": {
            "1": {"content": "<|im_start|>", "special": True},
            "2": {"content": "<tool_call>", "special": False},
            "3": "odd",
            "4": {"content": 5, "special": True},
        },
        "additional_special_tokens": ["<|x|>", {"content": "<|y|>"}, 7],
        "extra_special_tokens": {"image_token": "<image>"},
    }
    read = checkpoint(files(config=config, special={"bos_token": "<other>"}))

    assert read.tokens == {"bos_token": "<s>", "eos_token": "</s>"}
    assert read.special == ("<s>", "</s>", "<|x|>", "<|y|>", "<image>", "<|im_start|>")
    assert read.added == ("<tool_call>",)


def test_tokens_of_an_old_layout():
    """Configurations that list no tokens have them in a file beside."""
    read = checkpoint(files(config={"chat_template": "x"}, special={"bos_token": {"content": "<s>"}, "eos_token": "</s>"}))

    assert read.tokens == {"bos_token": "<s>", "eos_token": "</s>"}


def test_identity_is_the_digest_of_the_file():
    """``sha256sum chat_template.jinja`` says the same; of several templates each one counts."""
    single = checkpoint(files(jinja=JINJA))
    several = Checkpoint({"default": "a", "tool_use": "b"})

    assert single.sha256 == hashlib.sha256(JINJA).hexdigest()
    assert several.sha256 == Checkpoint({"tool_use": "b", "default": "a"}).sha256
    assert several.sha256 != Checkpoint({"default": "a", "tool_use": "c"}).sha256


def test_which_of_several_writes():
    """Tools take ``tool_use`` where there is one."""
    several, single = Checkpoint({"default": "a", "tool_use": "b"}), Checkpoint({"default": "a"})

    assert [several.template(tools=True), several.template(tools=False)] == ["tool_use", "default"]
    assert single.template(tools=True) == "default"
