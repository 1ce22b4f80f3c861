"""What a model's own files say of its prompt: Hugging Face's layout, read. Pure: where the files come from is not known here.

Precedence as in ``transformers`` and in Bedrock's import: ``chat_template.jinja``, then ``chat_template.json``, then the
``chat_template`` of ``tokenizer_config.json``, which may be one text or a list of named ones. A file that is malformed is
an error, never passed over: the next in line would be another prompt.

Source: transformers 5.24, tokenization_utils_base.py; Amazon Bedrock user guide, custom-chat-templates-tokenizers, read 2026-11-22.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

JINJA, JSON, CONFIG, SPECIAL = "chat_template.jinja", "chat_template.json", "tokenizer_config.json", "special_tokens_map.json"
TOKENIZER = "tokenizer.json"

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""The special tokens that have a name: what a template sees beside the conversation."""

MOST_TEMPLATE_CHARACTERS = 262_144  # the longest of the public ones has 20,000


class Checkpoint(Struct, frozen=True):
    """A model's prompt, as its files describe it.

    Attributes:
        templates: Jinja by name. There is a ``default``, except where all that is there is ``tool_use``.
        tokens: Named special tokens that the model has.
        special: Every special token: what ends a turn, begins one, or stands for something that is no text.
        added: Other tokens that were added to the vocabulary, such as ``<tool_call>``.
    """

    templates: Mapping[str, str]
    tokens: Mapping[str, str] = {}
    special: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The identity of the templates: of a single one the digest of its text, as ``sha256sum chat_template.jinja`` says it;
        of several the digest of their names and texts in order.
        """
        texts = dict(self.templates)
        if list(texts) == ["default"]:
            return sha256(texts["default"].encode()).hexdigest()
        return sha256("".join(f"{name}\0{texts[name]}\0" for name in sorted(texts)).encode()).hexdigest()

    def template(self, *, tools: bool) -> str:
        """The name of the template that a request with, or without, tools is written by."""
        return "tool_use" if tools and "tool_use" in self.templates else "default"


def checkpoint(files: Mapping[str, bytes]) -> Checkpoint | None:
    """Read what there is.

    Args:
        files: By name; those above, without ``tokenizer.json``.

    Returns:
        ``None`` when no file has a chat template.

    Raises:
        ValueError: A file is malformed; the message names it.
    """
    config = _mapping(files, CONFIG)
    templates = _templates(files, config)
    if templates is None:
        return None
    for name, text in templates.items():
        if len(text) > MOST_TEMPLATE_CHARACTERS:
            raise ValueError(f"the chat template {name!r} is longer than {MOST_TEMPLATE_CHARACTERS} characters")
    # transformers reads this file only for configurations that list no tokens of their own: an old layout.
    named = config if "added_tokens_decoder" in config else {**config, **_mapping(files, SPECIAL)}
    tokens = {name: token for name in NAMED if (token := _content(named.get(name)))}
    more = [*_listed(named.get("additional_special_tokens")), *_listed(named.get("extra_special_tokens"))]
    decoder = config.get("added_tokens_decoder")
    entries = [entry for entry in decoder.values() if isinstance(entry, dict)] if isinstance(decoder, dict) else []
    special = [*tokens.values(), *more, *(_content(entry) for entry in entries if entry.get("special"))]
    added = [_content(entry) for entry in entries if not entry.get("special")]
    return Checkpoint(templates, tokens, _once(special), _once(added))


def _templates(files: Mapping[str, bytes], config: Mapping[str, Any]) -> dict[str, str] | None:
    if JINJA in files:
        return {"default": _text(files, JINJA)}
    if JSON in files:
        found = _mapping(files, JSON).get("chat_template")
        if found is None:
            raise ValueError(f"{JSON} has no chat_template")
        return _named(found, JSON)
    found = config.get("chat_template")
    return None if found is None else _named(found, CONFIG)


def _named(found: Any, file: str) -> dict[str, str]:
    """One template, or a list of ``{"name": …, "template": …}``; the mapping is what ``transformers`` makes of that list."""
    if isinstance(found, str):
        return {"default": found}
    if isinstance(found, dict):
        pairs = list(found.items())
    elif isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
        pairs = [(entry.get("name"), entry.get("template")) for entry in found]
    else:
        raise ValueError(f"{file}: chat_template is neither a text nor a list of named templates")
    if any(not isinstance(name, str) or not isinstance(text, str) for name, text in pairs):
        raise ValueError(f"{file}: every entry of chat_template needs a name and a template")
    if not {"default", "tool_use"} & {name for name, _ in pairs}:
        raise ValueError(f"{file}: of its chat templates none is called default")
    return dict(pairs)


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8") from error


def _mapping(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    if name not in files:
        return {}
    try:
        return msgspec.json.decode(files[name], type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON object: {error}") from error


def _listed(value: Any) -> Iterable[str]:
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [_content(entry) for entry in entries]


def _content(token: Any) -> str:
    """A token is a text, or an object that has one; anything else is none."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else ""


def _once(tokens: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token for token in tokens if token))
