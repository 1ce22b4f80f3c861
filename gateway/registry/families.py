"""Which family a target speaks, as its card's facts decide it: two tables and a rule for imports. Pure; asks nobody.

Base models by the beginning of their id, never by a word inside it: a guess that is wrong shows no error, only bad answers.
Imports by date, architecture and whether there is a chat template:

- imported since 2025-11-11: three bodies on one ARN, chosen by their fields. A chat goes as OpenAI's chat where the model
  has a template of its own, else as a completion; a prompt already written goes as a completion; images exist in the chat
  alone.
- imported before: the body of the architecture's family.

Source: Amazon Bedrock user guide, invoke-imported-model, read 2026-11-22; GetImportedModel in botocore's service model.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from adapters.chat import ChatRequest, Image
from gateway.registry.card import Card, day
from gateway.registry.model import Target

# The guide says "after" and "before" this day; what was imported on it is taken for new.
THREE_BODIES_SINCE = int(datetime(2025, 11, 11, tzinfo=UTC).timestamp())

CHAT, COMPLETION, CONVERSE = "openai_chat", "openai_completion", "converse"

BASES: Mapping[str, str] = {
    "amazon.titan-text-": "titan",
    "amazon.titan-tg1-": "titan",
    "amazon.titan-embed-text-": "titan_embed",
    "amazon.titan-embed-text-v1": "titan_embed_g1",
    "amazon.titan-embed-g1-text-": "titan_embed_g1",
    "amazon.titan-embed-image-": "titan_embed_image",
    "amazon.nova-micro-": "nova",
    "amazon.nova-lite-": "nova",
    "amazon.nova-pro-": "nova",
    "amazon.nova-premier-": "nova",
    "amazon.nova-2-lite-": "nova",
    "amazon.nova-2-pro-": "nova",
    "anthropic.claude-": "claude",
    "anthropic.claude-haiku-4-5-": "claude_4_5",
    "anthropic.claude-sonnet-4-5-": "claude_4_5",
    "anthropic.claude-sonnet-4-6": "claude_4_5",
    "anthropic.claude-opus-4-5-": "claude_4_5",
    "anthropic.claude-opus-4-6": "claude_4_5",
    "cohere.command-text-": "cohere",
    "cohere.command-light-text-": "cohere",
    "cohere.command-r-": "cohere_chat",
    "cohere.embed-": "cohere_embed",
    "cohere.embed-v4": "cohere_embed_v4",
    "meta.llama2-": "llama2",
    "meta.llama3-": "llama3",
    "mistral.mistral-7b-": "mistral",
    "mistral.mixtral-8x7b-": "mistral",
    "mistral.mistral-small-": "mistral",
    "mistral.mistral-large-2402-": "mistral_chat",
    "mistral.mistral-large-2407-": "mistral_chat",
    "openai.gpt-oss-": CHAT,
    # Chat models whose native body no family here writes: Converse writes it for them.
    "ai21.jamba-": CONVERSE,
    "deepseek.": CONVERSE,
    "meta.llama4-": CONVERSE,
    "mistral.pixtral-": CONVERSE,
    "qwen.": CONVERSE,
    "writer.palmyra-": CONVERSE,
}
"""Beginning of a base model's id -> family; the longest that fits. Not every name is a family of this version."""

# Architecture, letters and digits alone -> family of the body that an import from before 2025-11-11 takes.
_OLDER_IMPORTS: Mapping[str, str] = {
    "mistral": "mistral",
    "mixtral": "mistral",
    "mllama": "llama3",
    "llama2": "llama2",
    "llama3": "llama3",
    "llama31": "llama3",
    "llama32": "llama3",
    "llama33": "llama3",
}
# Architecture, by its beginning -> the built-in chat template it is likely trained on, where the model brings none. ``llama``
# alone may be Llama 2 or 3, so that nothing is likely.
_TEMPLATES: Mapping[str, str] = {
    "qwen": "chatml",
    "mistral": "mistral",
    "mixtral": "mistral",
    "mllama": "llama3",
    "llama2": "llama2",
    "llama3": "llama3",
    "flan": "plain",
    "t5": "plain",
    "gptbigcode": "plain",
}
_ANY_TEMPLATE = "chatml"
# Converse takes these for no import (user guide), so that their instructSupported does not tell of a template.
_ALWAYS_TEMPLATED = ("gptoss", "qwen")


class Verdict(NamedTuple):
    """What the facts decide.

    Attributes:
        family: ``None``: they do not decide.
        why: For people: the facts that decided, or what is missing.
        negotiated: The fields of each request choose among the bodies that the model takes: see ``spoken``.
        caution: What the operator should know about this choice.
        template: The built-in chat template in place of the family's.
    """

    family: str | None
    why: str
    negotiated: bool = False
    caution: str | None = None
    template: str | None = None


def verdict(card: Card, families: Collection[str]) -> Verdict:
    """The family of a card.

    Args:
        families: The names that there are.
    """
    made = _of_import(card, families) if card.kind == "imported-model" else _of_base(card.base_model)
    if made.family is not None and made.family not in families:
        return Verdict(None, f"{made.why}, which asks for the family {made.family}: this version has none of that name")
    return made


def spoken(target: Target, request: ChatRequest) -> str:
    """The family that a request to this target speaks: the target's own, but for the imports that take several bodies."""
    if target.family_origin != "negotiated":
        return target.family
    if request.prompt is not None:
        return COMPLETION
    return CHAT if wants_chat(request) else target.family


def wants_chat(request: ChatRequest) -> bool:
    """Whether a request asks for what stands in OpenAI's chat body alone: the completion's prompt has a place for tools."""
    return any(isinstance(part, Image) for message in request.messages for part in message.parts)


def _of_base(base: str | None) -> Verdict:
    if base is None:
        return Verdict(None, "it does not say which base model is behind it")
    fitting = [beginning for beginning in BASES if base.startswith(beginning)]
    if not fitting:
        return Verdict(None, f"its base model is {base}, of which no family is known")
    return Verdict(BASES[max(fitting, key=len)], f"its base model is {base}")


def _of_import(card: Card, families: Collection[str]) -> Verdict:
    if card.created_at is None:
        return Verdict(None, "it does not say when the model was imported, which decides its body")
    facts = f"{card.architecture or 'an unnamed architecture'}, imported {day(card.created_at)}"
    plain = _plain(card.architecture or "")
    if card.created_at < THREE_BODIES_SINCE:
        return _of_older(card, plain, facts, families)
    if card.instruct_supported or plain.startswith(_ALWAYS_TEMPLATED):
        return Verdict(CHAT, f"{facts}: OpenAI's bodies, and a chat template of its own", negotiated=True)
    template = _likely_template(plain)
    return Verdict(
        COMPLETION,
        f"{facts}: OpenAI's bodies, and no chat template (instructSupported is not true)",
        negotiated=True,
        caution=f"AWS tells of no chat template in this import, so chats become a prompt by the built-in template {template}. If it "
        "was trained on another format, name its `built_in_template`, or write the format as the alias's prompt; if it has a "
        f"template after all, write `family: {CHAT}`.",
        template=template,
    )


def _of_older(card: Card, plain: str, facts: str, families: Collection[str]) -> Verdict:
    """Before 2025-11-11: the architecture's own body, where the architecture tells it."""
    if plain in _OLDER_IMPORTS:
        return Verdict(_OLDER_IMPORTS[plain], f"{facts}: the body of its architecture")
    if card.instruct_supported and CONVERSE in families:
        return Verdict(CONVERSE, f"{facts}, takes Converse (instructSupported is true)")
    if plain.startswith("qwen"):
        return Verdict(
            "llama3",
            f"{facts}: Bedrock's own completion body",
            caution="No document of AWS's shows the body of a Qwen imported before 2025-11-11: this one is what published clients "
            "send. If AWS refuses it, import the model again.",
            template=_likely_template(plain),
        )
    if plain == "llama":
        return Verdict(None, f"{facts}, may be Llama 2 or Llama 3, whose prompts differ")
    return Verdict(None, f"{facts}, when each architecture had a body of its own: of this one it is not known")


def _likely_template(plain: str) -> str:
    return next((template for beginning, template in _TEMPLATES.items() if plain.startswith(beginning)), _ANY_TEMPLATE)


def _plain(architecture: str) -> str:
    """``Qwen2_5_VLForConditionalGeneration`` and ``qwen2.5-vl`` are one: AWS does not say how it spells them."""
    letters = re.sub(r"[^a-z0-9]", "", architecture.lower())
    return re.sub(r"(?:forcausallm|forconditionalgeneration)$", "", letters)
