"""Prompts are read back into the turns that they were made of."""

import pytest

from gateway.sandbox.conversation import Turn
from gateway.sandbox.replies.prompts import offered_tools, turns, without_offer

HEADERS = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
CONVERSATION = (Turn("user", "One"), Turn("assistant", "Two"), Turn("user", "Three"))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        pytest.param("User: One\nBot: Two\nUser: Three\nBot:", CONVERSATION, id="titan"),
        pytest.param("<s>[INST] One [/INST] Two </s><s>[INST] Three [/INST]", CONVERSATION, id="llama2"),
        pytest.param(
            "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi [/INST]",
            (Turn("system", "Be kind."), Turn("user", "Hi")),
            id="llama2 system",
        ),
        pytest.param("<s>[INST] One [/INST]\n Two</s>\n[INST] Three [/INST]", CONVERSATION, id="mistral"),
        pytest.param(HEADERS, (Turn("system", "Be kind."), Turn("user", "Hi")), id="llama3"),
        pytest.param(
            "<|im_start|>user\nOne<|im_end|>\n<|im_start|>assistant\nTwo<|im_end|>\n<|im_start|>user\nThree<|im_end|>\n<|im_start|>assistant\n",
            CONVERSATION,
            id="chatml",
        ),
        pytest.param("Just words.", (Turn("user", "Just words."),), id="raw"),
        pytest.param("User: a dialogue\nBot: to be read", (Turn("user", "User: a dialogue\nBot: to be read"),), id="no template"),
    ],
)
def test_turns(prompt, expected):
    """Each published template is understood; anything else is one turn of the user's."""
    assert expected == turns(prompt)


def test_llama_tools_are_read_from_the_prompt_and_taken_out_of_the_question():
    """The functions become tools, and the question is what stands after them."""
    text = (
        "Given the following functions, please respond with a JSON for a function call.\n\n"
        '{\n    "type": "function",\n    "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}\n}\n\n'
        "What now?"
    )
    (tool,) = offered_tools(text)

    assert (tool.name, tool.description, tool.parameters) == ("f", "d", {"type": "object"})
    assert without_offer(Turn("user", text)) == Turn("user", "What now?")
    assert offered_tools("What is {this}?") == ()
