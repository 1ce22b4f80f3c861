"""The sandbox's dialects by family. The only place that knows them all."""

from gateway.sandbox.dialects import claude, cohere, cohere_chat, embed, imported, llama, mistral, mistral_chat, nova, titan
from gateway.sandbox.dialects.dialect import Dialect
from gateway.sandbox.models import Model

DIALECTS: dict[str, Dialect] = {
    "titan": titan.DIALECT,
    "cohere": cohere.DIALECT,
    "cohere_chat": cohere_chat.DIALECT,
    "llama2": llama.DIALECT._replace(lead=" "),
    "llama3": llama.DIALECT,
    "claude": claude.DIALECT,
    "claude_4_5": claude.DIALECT,
    "mistral": mistral.DIALECT,
    "mistral_chat": mistral_chat.DIALECT,
    "nova": nova.DIALECT,
    "openai_chat": imported.DIALECT,
    "openai_completion": imported.DIALECT,
    "titan_embed": embed.TITAN_V2,
    "titan_embed_g1": embed.TITAN_G1,
    "titan_embed_image": embed.TITAN_IMAGE,
    "cohere_embed": embed.COHERE_V3,
    "cohere_embed_v4": embed.COHERE_V4,
}


def dialect_of(model: Model) -> Dialect:
    """How this model is spoken to: an import of the last year takes three formats, whatever its architecture."""
    return imported.DIALECT if model.has_three_formats else DIALECTS[model.family]
