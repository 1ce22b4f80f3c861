"""``POST /v1/embeddings``: OpenAI's embeddings, of texts."""

from typing import NoReturn

from gateway.call import Call
from gateway.embedding import embed
from gateway.surface.answering import Dialect
from gateway.surface.openai.embeddings.parse import parse_embeddings
from gateway.surface.openai.embeddings.render import whole


def _never(_call: Call, _created: int) -> NoReturn:
    raise AssertionError("an embedding is never streamed: no call of this endpoint asks for it")


EMBEDDINGS = Dialect(parse=parse_embeddings, whole=whole, events=_never, ask=embed)
