"""What a family reads beside text."""

import pytest
from msgspec.structs import replace

from adapters import FAMILIES, parameters
from adapters.chat import CachePoint, ChatRequest, Document, Image, Message, Reasoning, Sampling, Text, ToolSpec
from adapters.errors import UnsupportedContent, UnsupportedParameter

TITAN = FAMILIES["titan"]
PLAIN = ChatRequest((Message("user", (Text("Hello"),)),))


def saying(*parts):
    return ChatRequest((Message("user", parts),))


@pytest.mark.parametrize(
    ("part", "word"),
    [(Image("image/png", "AA=="), "an image"), (Document("text/plain", "Rules"), "a document")],
    ids=["image", "document"],
)
def test_what_matters_is_refused_by_its_place(part, word):
    """What the family cannot read would change the answer: the message says where it stands."""
    with pytest.raises(UnsupportedContent) as refused:
        parameters.fit(saying(Text("See"), part), TITAN)

    assert refused.value.parameter == "messages[0].content[1]"
    assert word in str(refused.value)


def test_the_alias_may_let_documents_go():
    """An operator's word drops them, named."""
    fitted, ignored = parameters.fit(
        saying(Text("See"), Document("text/plain", "Rules")), TITAN, ignorable=frozenset({"documents"})
    )

    assert fitted.messages == (Message("user", (Text("See"),)),)
    assert ignored == ("documents",)


def test_what_changes_no_answer_is_dropped_and_named():
    """Earlier thoughts and cache points have no place in a prompt, and the answer is the same without."""
    asked = replace(
        saying(Reasoning("Hm"), Text("Hello"), CachePoint()),
        advisory=("user",),
    )

    fitted, ignored = parameters.fit(asked, TITAN)

    assert fitted.messages == PLAIN.messages
    assert ignored == ("user", "reasoning", "cache_control")


def test_cache_points_of_tools_are_found_too():
    """A cache point may stand at a tool alone."""
    family = FAMILIES["openai_chat"]
    asked = replace(PLAIN, tools=(ToolSpec("look", None, {}, cache_point=CachePoint("1h")),))

    fitted, ignored = parameters.fit(asked, family)

    assert fitted.tools == (ToolSpec("look", None, {}),)
    assert ignored == ("cache_control",)


def test_a_written_prompt_needs_a_family_that_takes_one():
    """A prompt that is already written cannot become turns again."""
    with pytest.raises(UnsupportedParameter) as refused:
        parameters.fit(replace(PLAIN, prompt="raw"), FAMILIES["claude"])

    assert refused.value.parameter == "prompt"


CLAUDE = FAMILIES["claude"]
SEALED, REDACTED, PLAIN_THOUGHT = Reasoning("Hm", "c2ln"), Reasoning(redacted="eHg="), Reasoning("Hm")


@pytest.mark.parametrize(
    ("effort", "kept", "named"),
    [
        ("low", (SEALED, REDACTED, Text("Hi")), ("reasoning",)),
        ("none", (Text("Hi"),), ("reasoning",)),
        (None, (Text("Hi"),), ("reasoning",)),
    ],
)
def test_only_sealed_thoughts_are_read_and_only_while_thinking(effort, kept, named):
    """Claude refuses a thought without its seal, and thoughts at all when it is not to think: they are dropped and named."""
    thoughts = Message("assistant", (SEALED, PLAIN_THOUGHT, REDACTED, Text("Hi")))
    asked = ChatRequest((*PLAIN.messages, thoughts, *PLAIN.messages), Sampling(reasoning_effort=effort))

    fitted, ignored = parameters.fit(asked, CLAUDE)

    assert fitted.messages[1].parts == kept
    assert ignored == named


def test_nothing_is_named_where_all_is_read():
    """Sealed thoughts of a model that thinks, and as many cache points as it takes."""
    thoughts = Message("assistant", (SEALED, Text("Hi"), CachePoint()))
    asked = ChatRequest((*PLAIN.messages, thoughts, *PLAIN.messages), Sampling(reasoning_effort="low"))

    assert parameters.fit(asked, CLAUDE)[1] == ()


def test_a_name_that_the_model_is_not_shown_is_named():
    """A participant's name changes who said what: a family without a place for it says so."""
    asked = ChatRequest((Message("user", (Text("Hello"),), name="bob"),))

    assert parameters.fit(asked, TITAN)[1] == ("name",)
    assert parameters.fit(asked, FAMILIES["openai_chat"])[1] == ()
