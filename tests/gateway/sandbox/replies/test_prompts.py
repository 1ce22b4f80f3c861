"""Prompts are read back into the turns that they were made of."""

import pytest

from gateway.sandbox.conversation import Turn
from gateway.sandbox.replies.prompts import turns

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
        pytest.param(
            "<|im_start|>user\n<tool_response>\nOne\n</tool_response>\n<tool_response>\nTwo\n</tool_response><|im_end|>\n<|im_start|>assistant\n",
            (Turn("tool", "One"), Turn("tool", "Two")),
            id="chatml results",
        ),
        pytest.param(
            "<|start_of_role|>user<|end_of_role|>One<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Two<|end_of_text|>\n"
            "<|start_of_role|>user<|end_of_role|>Three<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
            CONVERSATION,
            id="granite",
        ),
        pytest.param("Just words.", (Turn("user", "Just words."),), id="raw"),
        pytest.param("User: a dialogue\nBot: to be read", (Turn("user", "User: a dialogue\nBot: to be read"),), id="no template"),
    ],
)
def test_turns(prompt, expected):
    """Each published template is understood; anything else is one turn of the user's."""
    assert expected == turns(prompt)
