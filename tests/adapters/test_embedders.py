"""Every embedder against its golden bodies, and what it cannot honour."""

import json
from typing import Any

import pytest

from adapters import EMBEDDERS, FAMILIES, family_of
from adapters.embedder import batches, fit
from adapters.embeddings import EmbeddingRequest
from adapters.errors import InvalidParameter, MakesEmbeddings, MalformedReply, UnsupportedParameter

ONE = ("A quarry is a place to dig stone.",)
TWO = (*ONE, "Stone is cut in blocks.")
REQUESTS = {
    "titan_embed": EmbeddingRequest(ONE, dimensions=256, normalize=True),
    "titan_embed_g1": EmbeddingRequest(ONE, dimensions=1536),
    "titan_embed_image": EmbeddingRequest(ONE, dimensions=384),
    "cohere_embed": EmbeddingRequest(TWO, dimensions=1024, input_type="search_query", truncate="END"),
    "cohere_embed_v4": EmbeddingRequest(TWO, dimensions=512, truncate="RIGHT"),
}
REPLIES = [
    *[(name, "text") for name in REQUESTS],
    ("titan_embed", "by_type"),
    ("cohere_embed", "by_type"),
    ("cohere_embed_v4", "by_type"),
]
COUNTED = {"titan_embed": 10, "titan_embed_g1": 9, "titan_embed_image": 10}


def fitted(name: str, request: EmbeddingRequest, **more: Any) -> EmbeddingRequest:
    return fit(request, EMBEDDERS[name], defaults={}, **more)[0]


def test_every_embedder_is_judged_here() -> None:
    """One that joins brings golden bodies, goes by its own name, and shares it with no family."""
    assert list(EMBEDDERS) == list(REQUESTS) == [embedder.name for embedder in EMBEDDERS.values()]
    assert EMBEDDERS.keys().isdisjoint(FAMILIES)
    assert all(embedder.dimensions in embedder.accepts["dimensions"] for embedder in EMBEDDERS.values())


@pytest.mark.parametrize("name", REQUESTS)
def test_the_body_is_the_golden_one(golden_body, name: str) -> None:
    """Everything that can be said is said in the model's words."""
    body = EMBEDDERS[name].encode(fitted(name, REQUESTS[name]))

    assert json.loads(body) == json.loads(golden_body(f"{name}/text.request"))


@pytest.mark.parametrize("name", ["cohere_embed", "cohere_embed_v4"])
def test_cohere_is_told_an_input_type(name: str) -> None:
    """The body must have one, and OpenAI's has none."""
    assert json.loads(EMBEDDERS[name].encode(EmbeddingRequest(ONE))) == {"texts": [*ONE], "input_type": "search_document"}


@pytest.mark.parametrize(("name", "file"), REPLIES, ids=lambda value: value)
def test_a_reply_is_a_vector_for_each_text(golden_body, name: str, file: str) -> None:
    """In the texts' order, as long as asked, number for number, with the tokens if the body counts them."""
    native = golden_body(f"{name}/{file}.reply")
    reply = EMBEDDERS[name].decode(native, REQUESTS[name])

    assert len(reply.vectors) == len(REQUESTS[name].texts)
    assert {len(vector) for vector in reply.vectors} == {REQUESTS[name].dimensions}
    assert all(str(vector)[1:40].replace(" ", "") in native.decode() for vector in reply.vectors)
    assert (reply.usage and reply.usage.input_tokens) == COUNTED.get(name)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(
    "native",
    [b"", b"[]", b"{}", b"\xff", b'{"embedding": []}', b'{"embedding": ["a"]}', b'{"embeddings": []}', b"[" * 10_000],
    ids=["nothing", "list", "empty", "no text", "no numbers", "words", "no vectors", "deep"],
)
def test_a_reply_without_vectors_is_malformed(name: str, native: bytes) -> None:
    """It is never an answer of nothing."""
    with pytest.raises(MalformedReply):
        EMBEDDERS[name].decode(native, REQUESTS[name])


def test_a_failure_inside_a_200_is_malformed(golden_body) -> None:
    """Titan Multimodal says so beside no embedding."""
    with pytest.raises(MalformedReply):
        EMBEDDERS["titan_embed_image"].decode(golden_body("titan_embed_image/failed.reply"), REQUESTS["titan_embed_image"])


@pytest.mark.parametrize(
    "change",
    [{"texts": ONE}, {"texts": (*TWO, "x")}, {"dimensions": 512}],
    ids=["one too many", "one too few", "another length"],
)
def test_a_reply_to_another_question_is_malformed(golden_body, change: dict[str, Any]) -> None:
    """A vector is never given to the wrong text, nor one that the caller's index would refuse."""
    request = EmbeddingRequest(**{"texts": TWO, "dimensions": 1024} | change)

    with pytest.raises(MalformedReply):
        EMBEDDERS["cohere_embed"].decode(golden_body("cohere_embed/text.reply"), request)


@pytest.mark.parametrize(
    ("name", "fields", "parameter", "says"),
    [
        ("titan_embed", {"dimensions": 300}, "dimensions", "send 256 or 512 or 1024"),
        ("titan_embed_g1", {"dimensions": 512}, "dimensions", "send 1536"),
        ("cohere_embed", {"dimensions": 512}, "dimensions", "send 1024"),
        ("cohere_embed", {"input_type": "poem"}, "input_type", "search_document or search_query"),
        ("cohere_embed", {"truncate": "LEFT"}, "truncate", "NONE or START or END"),
        ("cohere_embed_v4", {"truncate": "END"}, "truncate", "NONE or LEFT or RIGHT"),
        ("cohere_embed", {"texts": ("a", "b" * 2049)}, "input[1]", "at most 2048"),
        ("titan_embed", {"texts": ("b" * 50_001,)}, "input[0]", "at most 50000"),
    ],
)
def test_a_value_that_the_model_lacks_is_refused(name: str, fields: dict[str, Any], parameter: str, says: str) -> None:
    """By name, with those that it has."""
    with pytest.raises(InvalidParameter) as refused:
        fitted(name, EmbeddingRequest(**{"texts": ONE} | fields))

    assert refused.value.parameter == parameter
    assert says in str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "field"), [("titan_embed", "input_type"), ("titan_embed_g1", "normalize"), ("cohere_embed", "normalize")]
)
def test_a_parameter_that_the_model_lacks_is_refused(name: str, field: str) -> None:
    """Unless it may be ignored: then it is named."""
    request = EmbeddingRequest(ONE, **{field: True if field == "normalize" else "search_query"})

    with pytest.raises(UnsupportedParameter, match=field):
        fitted(name, request)
    assert fit(request, EMBEDDERS[name], defaults={}, ignorable={field}) == (EmbeddingRequest(ONE), (field,))


def test_defaults_stand_in_for_what_nobody_said() -> None:
    """And the caller's word is stronger."""
    defaults = {"dimensions": 256, "normalize": False}
    said = EmbeddingRequest(ONE, dimensions=512)

    assert fit(said, EMBEDDERS["titan_embed"], defaults=defaults)[0] == EmbeddingRequest(ONE, dimensions=512, normalize=False)


def test_batches_keep_every_text_in_its_place() -> None:
    """As many as a call may hold, the rest in the last."""
    texts = tuple(map(str, range(200)))
    made = batches(EmbeddingRequest(texts, dimensions=1024), 96)

    assert [len(batch.texts) for batch in made] == [96, 96, 8]
    assert sum((batch.texts for batch in made), ()) == texts
    assert {batch.dimensions for batch in made} == {1024}


def test_an_embedder_answers_no_chat() -> None:
    """Who asks for it as a family is told which endpoint to ask."""
    with pytest.raises(MakesEmbeddings, match="/v1/embeddings"):
        family_of("titan_embed", None)
