"""Every family there is. A new one is a file beside this, and a row here; nothing else is touched."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from msgspec.structs import replace

from adapters.chat import ChatRequest
from adapters.embedder import Embedder
from adapters.errors import MakesEmbeddings
from adapters.families import (
    claude,
    cohere,
    cohere_chat,
    cohere_embed,
    converse,
    imported,
    llama,
    mistral,
    nova,
    titan,
    titan_embed,
)
from adapters.family import Family
from adapters.prompts.templates import TEMPLATES
from adapters.templated import Bare, templated

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "titan": titan.FAMILY,
        "cohere": cohere.FAMILY,
        "cohere_chat": cohere_chat.FAMILY,
        "llama2": llama.LLAMA2,
        "llama3": llama.LLAMA3,
        "claude": claude.FAMILY,
        "claude_4_5": claude.CLAUDE_4_5,
        "nova": nova.FAMILY,
        "converse": converse.FAMILY,
        "mistral": mistral.TEXT,
        "mistral_chat": mistral.CHAT,
        "openai_chat": imported.CHAT,
        "openai_completion": imported.COMPLETION,
    }
)


def _bare(family: Family) -> Bare:
    def encode(request: ChatRequest, prompt: str, stream: bool) -> bytes:
        return family.encode(replace(request, prompt=prompt), stream)

    return Bare(family.name, family.accepts, family.max_tokens, encode, family.emulates)


EMBEDDERS: Mapping[str, Embedder] = MappingProxyType(
    {
        "titan_embed": titan_embed.V2,
        "titan_embed_g1": titan_embed.G1,
        "titan_embed_image": titan_embed.IMAGE,
        "cohere_embed": cohere_embed.V3,
        "cohere_embed_v4": cohere_embed.V4,
    }
)
"""Those that make vectors instead of answers. No word is in both."""

BARES: Mapping[str, Bare] = MappingProxyType(
    {
        "llama2": llama.BARE2,
        "llama3": llama.BARE3,
        "mistral": _bare(mistral.TEXT),
        "openai_completion": imported.BARE,
    }
)
"""Those whose models may want another chat template than the family's own: imports, whatever their architecture."""


def family_of(name: str, template: str | None) -> Family:
    """The family of that name, with a built-in template in place of its own; one that writes no prompt has no use for it.

    Args:
        name: A key of ``FAMILIES``.
        template: A key of ``adapters.prompts.templates.TEMPLATES``.

    Raises:
        MakesEmbeddings: It is a key of ``EMBEDDERS`` instead.
    """
    try:
        return FAMILIES[name] if template is None or name not in BARES else _with_template(name, template)
    except KeyError:
        raise MakesEmbeddings(name) from None


@cache
def _with_template(name: str, template: str) -> Family:
    return templated(BARES[name], TEMPLATES[template])
