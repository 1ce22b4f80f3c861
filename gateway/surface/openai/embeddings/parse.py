"""An embeddings body into a ``Call``.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

import msgspec

from adapters.chat import ChatRequest
from adapters.embeddings import EmbeddingRequest
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.openai.bodies import refuse_repeated_fields
from gateway.surface.openai.complaints import Hints, explain
from gateway.surface.openai.wire.embeddings import MOST_TEXTS, EmbeddingBody

_NO_CHAT = ChatRequest(messages=())
_decode = msgspec.json.Decoder(EmbeddingBody).decode
_HINTS = Hints(EmbeddingBody.__struct_fields__)


def parse_embeddings(body: bytes, arrival: Arrival) -> Call:
    """Read a body.

    Raises:
        InvalidRequest: It is not JSON, not an embeddings body, or asks for what nothing here does.
    """
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(body, error, _HINTS) from error
    refuse_repeated_fields(body)
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=_NO_CHAT,
        received_at=arrival.received_at,
        embedding=EmbeddingRequest(
            texts=_texts(asked.input),
            dimensions=asked.dimensions,
            input_type=asked.input_type,
            truncate=asked.truncate,
            normalize=asked.normalize,
            advisory=("user",) if asked.user is not None else (),
        ),
        notes=asked.encoding_format,
    )


def _texts(given: str | tuple[str | int | tuple[int, ...], ...]) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    texts = tuple([each for each in given if isinstance(each, str)])
    if len(texts) < len(given):
        raise InvalidRequest(
            "input holds token numbers, which every model reads in its own way: send text "
            "(LangChain's OpenAIEmbeddings does with check_embedding_ctx_length=False)",
            parameter="input",
        )
    if len(texts) > MOST_TEXTS:
        raise InvalidRequest(f"input has {len(texts)} texts: send at most {MOST_TEXTS} at once", parameter="input")
    return texts
