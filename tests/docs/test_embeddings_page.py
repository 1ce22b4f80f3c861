"""docs/embeddings.md: its table is the code's, its configuration is accepted."""

from pathlib import Path

import pytest

from adapters import EMBEDDERS
from adapters.embedder import Embedder
from gateway.configuration import check
from gateway.settings import decode
from tests.docs.pages import Block, blocks, check_table

PAGE = Path("docs/embeddings.md")
HEAD = "| family | model | `dimensions` | a text may have | texts a call | beside OpenAI's |\n|---|---|---|---|---|---|\n"
MODELS = {
    "titan_embed": "Titan Text Embeddings V2",
    "titan_embed_g1": "Titan Embeddings G1 - Text",
    "titan_embed_image": "Titan Multimodal Embeddings G1",
    "cohere_embed": "Cohere Embed English v3, Multilingual v3",
    "cohere_embed_v4": "Cohere Embed v4",
}


def row(embedder: Embedder) -> str:
    lengths = ", ".join(f"**{n}**" if n == embedder.dimensions else str(n) for n in embedder.accepts["dimensions"])
    longest = f"{embedder.characters:,} characters" if embedder.characters is not None else "the model's own tokens"
    beside = ", ".join(f"`{name}`" for name in embedder.accepts if name != "dimensions") or "nothing"
    return f"| `{embedder.name}` | {MODELS[embedder.name]} | {lengths} | {longest} | {embedder.texts} | {beside} |\n"


def test_the_table_is_the_codes() -> None:
    """Made of ``adapters.EMBEDDERS``; QUARRY_REWRITE=1 writes it anew."""
    check_table(PAGE, "embedders", HEAD + "".join(map(row, EMBEDDERS.values())))


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"))
def test_the_configuration_has_no_problem(block: Block) -> None:
    """What can be copied from the page is accepted, without a warning."""
    key = f"keys: [{{name: backend, hash: 'sha256:{'0' * 64}'}}]\n"
    settings, problems = decode((block.text + key).encode(), {})

    assert check(settings, name="page", problems=problems).warnings == ()
