"""Which family a card speaks: base models by the beginning of their id, imports by date, architecture and template."""

import pytest

from adapters import TEMPLATES
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolSpec
from gateway.registry.card import Card
from gateway.registry.families import BASES, CHAT, COMPLETION, CONVERSE, THREE_BODIES_SINCE, spoken, verdict, wants_chat
from gateway.registry.model import Target

EVERY = {*BASES.values(), COMPLETION}
REGION = "us-west-2"
ARN = "arn:aws:bedrock:us-west-2:123456789012:imported-model/0a1b2c3d4e5f"
NEW, OLD = THREE_BODIES_SINCE, THREE_BODIES_SINCE - 1


def base(model_id):
    return Card("x", "provisioned-model", REGION, base_model=model_id)


def imported(architecture, created_at=NEW, instruct=None):
    return Card(ARN, "imported-model", REGION, architecture=architecture, created_at=created_at, instruct_supported=instruct)


@pytest.mark.parametrize(
    ("model_id", "family"),
    [
        ("amazon.titan-text-express-v1:0", "titan"),
        ("amazon.titan-text-premier-v1:0", "titan"),
        ("amazon.titan-embed-text-v2:0", "titan_embed"),
        ("amazon.titan-embed-text-v1", "titan_embed_g1"),
        ("amazon.titan-embed-g1-text-02", "titan_embed_g1"),
        ("amazon.titan-embed-image-v1:0", "titan_embed_image"),
        ("amazon.nova-micro-v1:0", "nova"),
        ("amazon.nova-2-lite-v1:0", "nova"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        ("anthropic.claude-instant-v1:2", "claude"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "claude"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "claude_4_5"),
        ("anthropic.claude-opus-4-6-v1", "claude_4_5"),
        ("cohere.command-text-v14:7", "cohere"),
        ("cohere.command-light-text-v14:7", "cohere"),
        ("cohere.command-r-v1:0", "cohere_chat"),
        ("cohere.command-r-plus-v1:0", "cohere_chat"),
        ("cohere.embed-multilingual-v3", "cohere_embed"),
        ("cohere.embed-v4:0", "cohere_embed_v4"),
        ("meta.llama2-13b-chat-v1:0", "llama2"),
        ("meta.llama3-8b-instruct-v1:0", "llama3"),
        ("meta.llama3-3-70b-instruct-v1:0", "llama3"),
        ("meta.llama4-scout-17b-instruct-v1:0", CONVERSE),
        ("mistral.mistral-7b-instruct-v0:2", "mistral"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "mistral"),
        ("mistral.mistral-large-2407-v1:0", "mistral_chat"),
        ("openai.gpt-oss-20b-1:0", CHAT),
        ("deepseek.r1-v1:0", CONVERSE),
    ],
)
def test_a_base_model_has_a_family(model_id, family):
    """By the beginning of its id, and the reason names it."""
    made = verdict(base(model_id), EVERY)

    assert (made.family, made.why) == (family, f"its base model is {model_id}")
    assert not made.negotiated


@pytest.mark.parametrize(
    "model_id",
    [
        "amazon.nova-canvas-v1:0",
        "amazon.nova-reel-v1:0",
        "amazon.nova-sonic-v1:0",
        "amazon.titan-image-generator-v2:0",
        "cohere.rerank-v3-5:0",
        "stability.sd3-5-large-v1:0",
        "mine.llama3-lookalike-v1:0",
    ],
)
def test_what_is_no_chat_model_has_none(model_id):
    """Image, video, speech and ranking models, and vendors nobody heard of, are not guessed at."""
    made = verdict(base(model_id), EVERY)

    assert (made.family, made.why) == (None, f"its base model is {model_id}, of which no family is known")


def test_no_base_model():
    """A card without one decides nothing."""
    assert verdict(base(None), EVERY).family is None


def test_a_family_that_this_version_has_not():
    """The table may know more than the adapters: the reason says which name is missing."""
    made = verdict(base("amazon.nova-lite-v1:0"), {"claude"})

    assert made.family is None
    assert made.why == (
        "its base model is amazon.nova-lite-v1:0, which asks for the family nova: this version has none of that name"
    )


@pytest.mark.parametrize(
    ("card", "family"),
    [
        (imported("gpt_oss"), CHAT),
        (imported("GptOssForCausalLM", instruct=False), CHAT),
        (imported("qwen2", instruct=False), CHAT),
        (imported("Qwen2_5_VLForConditionalGeneration"), CHAT),
        (imported("llama", instruct=True), CHAT),
        (imported("mistral", instruct=True), CHAT),
        (imported("llama", instruct=False), COMPLETION),
        (imported("mistral"), COMPLETION),
        (imported(None), COMPLETION),
        (imported("gpt_bigcode", instruct=False), COMPLETION),
    ],
    ids=lambda value: f"{value.architecture}-{value.instruct_supported}" if isinstance(value, Card) else None,
)
def test_new_imports_speak_openais(card, family):
    """Chat where the model has a template, completion where AWS tells of none, and then with a word of caution."""
    made = verdict(card, EVERY)

    assert (made.family, made.negotiated) == (family, True)
    assert (made.caution is not None) == (family == COMPLETION)
    assert "imported 2025-11-11" in made.why


@pytest.mark.parametrize(
    ("card", "family"),
    [
        (imported("mistral", OLD), "mistral"),
        (imported("mistral", OLD, instruct=True), "mistral"),
        (imported("MixtralForCausalLM", OLD), "mistral"),
        (imported("llama2", OLD), "llama2"),
        (imported("llama3.1", OLD), "llama3"),
        (imported("mllama", OLD), "llama3"),
        (imported("llama", OLD, instruct=True), CONVERSE),
        (imported("qwen2", OLD, instruct=True), CONVERSE),
        (imported("t5", OLD, instruct=True), CONVERSE),
    ],
    ids=lambda value: f"{value.architecture}-{value.instruct_supported}" if isinstance(value, Card) else None,
)
def test_older_imports_speak_their_architectures(card, family):
    """The body of the architecture where it has one; Converse where the model takes it; never negotiated."""
    made = verdict(card, EVERY)

    assert (made.family, made.negotiated, made.caution) == (family, False, None)
    assert "imported 2025-11-10" in made.why


@pytest.mark.parametrize(
    ("architecture", "template"),
    [
        ("mistral", "mistral"), ("MixtralForCausalLM", "mistral"), ("mllama", "llama3"), ("llama3.1", "llama3"), ("llama2", "llama2"),
        ("llama", "chatml"), ("T5ForConditionalGeneration", "plain"), ("flan", "plain"), ("gpt_bigcode", "plain"), (None, "chatml"),
    ],
)  # fmt: skip
def test_an_import_without_a_template_is_given_the_likely_one(architecture, template):
    """By its architecture; the caution names it, since it may be another."""
    made = verdict(imported(architecture), EVERY)

    assert (made.template, made.template in TEMPLATES) == (template, True)
    assert f"the built-in template {template}" in made.caution


def test_an_older_qwen_speaks_bedrocks_completion():
    """What published clients send, with ChatML in it; the caution says that AWS documents nothing."""
    made = verdict(imported("Qwen2ForCausalLM", OLD), EVERY)

    assert (made.family, made.template, made.negotiated) == ("llama3", "chatml", False)
    assert "No document of AWS's" in made.caution


@pytest.mark.parametrize(
    ("card", "families", "why"),
    [
        (imported("llama", OLD), EVERY, "llama, imported 2025-11-10, may be Llama 2 or Llama 3, whose prompts differ"),
        (imported("llama", OLD, instruct=True), {"llama2"}, "may be Llama 2 or Llama 3"),
        (imported("t5", OLD), EVERY, "each architecture had a body of its own: of this one it is not known"),
        (imported(None, OLD), EVERY, "an unnamed architecture, imported 2025-11-10"),
        (imported("llama", None), EVERY, "it does not say when the model was imported"),
        (imported("mistral", OLD), {"claude"}, "which asks for the family mistral: this version has none of that name"),
    ],
)
def test_what_the_facts_leave_open(card, families, why):
    """Two prompts for one architecture, no body known, no date: refused with the reason, not guessed."""
    made = verdict(card, families)

    assert made.family is None
    assert why in made.why


def request(**changes):
    return ChatRequest(messages=(Message("user", (Text("Hello"),)),), sampling=Sampling(max_tokens=1), **changes)


TOOLS = request(tools=(ToolSpec("now", None, {"type": "object"}),))
FORMAT = request(response_format=ResponseFormat("json_object"))
IMAGE = ChatRequest(messages=(Message("user", (Text("What?"), Image("image/png", "aGk="))),), sampling=Sampling(max_tokens=1))
PROMPT = request(prompt="Once upon")


@pytest.mark.parametrize(
    ("asked", "target_family", "expected"),
    [
        (request(), CHAT, CHAT),
        (request(), COMPLETION, COMPLETION),
        (TOOLS, COMPLETION, COMPLETION),
        (FORMAT, COMPLETION, COMPLETION),
        (IMAGE, COMPLETION, CHAT),
        (PROMPT, CHAT, COMPLETION),
        (PROMPT, COMPLETION, COMPLETION),
    ],
    ids=["chat", "chat-as-completion", "tools", "response_format", "image", "prompt", "prompt-as-completion"],
)
def test_the_request_chooses_among_the_bodies(asked, target_family, expected):
    """Raw prompts are completions, images are chats; the rest is as the target is: a prompt has a place for tools."""
    negotiated = Target("t", ARN, REGION, "imported-model", target_family, family_origin="negotiated")

    assert spoken(negotiated, asked) == expected


@pytest.mark.parametrize("asked", [request(), TOOLS, FORMAT, IMAGE, PROMPT])
@pytest.mark.parametrize("origin", ["written", "identified"])
def test_a_pinned_family_stays(asked, origin):
    """What is written, or what the base model decides, no request changes."""
    assert spoken(Target("t", ARN, REGION, "imported-model", COMPLETION, family_origin=origin), asked) == COMPLETION


def test_images_want_the_chat():
    """Only what no prompt has a place for."""
    assert [wants_chat(asked) for asked in (request(), PROMPT, TOOLS, FORMAT, IMAGE)] == [False, False, False, False, True]
