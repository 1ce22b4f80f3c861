"""``POST /v1/embeddings``: OpenAI's embeddings, of texts."""

from typing import NoReturn

from gateway.call import Call
from gateway.embedding import embed
from gateway.errors import ContextTooLong
from gateway.surface.answering import Dialect
from gateway.surface.openai.embeddings.parse import parse_embeddings
from gateway.surface.openai.embeddings.render import whole
from gateway.surface.problems import Headers, envelope


def _never(_call: Call, _created: int) -> NoReturn:
    raise AssertionError("an embedding is never streamed: no call of this endpoint asks for it")


def _envelope(error: Exception, _request_id: str) -> tuple[int, bytes, Headers]:
    """OpenAI's; what is too long here is a text, and no answer."""
    too_long = isinstance(error, ContextTooLong)
    return envelope(ContextTooLong("The text does not fit the model's context", parameter="input") if too_long else error)


EMBEDDINGS = Dialect(parse=parse_embeddings, whole=whole, events=_never, envelope=_envelope, ask=embed)
