"""Tools are read out of prompts, and called as each prompt asks."""

import json

import pytest

from gateway.sandbox.conversation import Ask, Call, Turn
from gateway.sandbox.replies.answer import answer
from gateway.sandbox.replies.offers import offer, offered, written
from gateway.sandbox.replies.prompts import turns

FUNCTION = {
    "name": "get_weather",
    "description": "d",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WRAPPED = json.dumps({"type": "function", "function": FUNCTION})
QUESTION = "Weather in Oslo?"
LLAMA = "<|start_header_id|>user<|end_header_id|>\n\nGiven the following functions, {}{}\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
PROMPTS = {
    "json": LLAMA.format("please respond with a JSON for a function call.\n\n", WRAPPED, QUESTION),
    "python": LLAMA.format("please respond with a python list for function calls.\n\n", WRAPPED, QUESTION),
    "hermes": f"<|im_start|>system\n<tools>\n{WRAPPED}\n</tools><|im_end|>\n<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n",
    "granite": f"<|start_of_role|>available_tools<|end_of_role|>[{json.dumps(FUNCTION)}]<|end_of_text|>\n"
    f"<|start_of_role|>user<|end_of_role|>{QUESTION}<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
}
CALLS = {
    "json": '{"name": "get_weather", "parameters": {"city": "Oslo"}}',
    "python": "[get_weather(city='Oslo')]",
    "hermes": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "granite": '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]',
}


def ask(prompt: str, **changes) -> Ask:
    return offered(Ask(turns(prompt), prompt, **({"max_tokens": 100} | changes)))


@pytest.mark.parametrize("form", PROMPTS)
def test_a_fitting_tool_is_called_as_the_prompt_asks(form):
    """Read from the template's own words; the call is text, and the model simply ends."""
    found = offer(PROMPTS[form])
    told = answer(ask(PROMPTS[form]))

    assert (found.form, found.begun, found.choice, found.tools[0].name) == (form, "", "auto", "get_weather")
    assert (CALLS[form], "stop", None) == (told.text, told.end, told.call)


@pytest.mark.parametrize("form", PROMPTS)
@pytest.mark.parametrize("letters", [1, 12, 30])
def test_a_call_that_the_prompt_begins_is_gone_on_with(form, letters):
    """What is begun is not said again, and the call is made whatever the question."""
    begun = CALLS[form][:letters]
    prompt = PROMPTS[form].replace(QUESTION, "Hello, Oslo") + begun

    assert begun + answer(ask(prompt)).text == CALLS[form]


def test_a_call_begun_may_be_cut_by_the_ceiling():
    """As with any text."""
    told = answer(ask(PROMPTS["json"] + '{"name": "get_weather", "parameters":', max_tokens=3))

    assert (told.text, told.end) == (' {"city', "length")


def test_the_question_stands_behind_the_functions():
    """Llama's are in the user's turn; they are no part of what is asked."""
    assert ask(PROMPTS["json"]).turns == (Turn("user", QUESTION),)


@pytest.mark.parametrize("prompt", ["What is {this}?", "<tools>\nnothing\n</tools>", "Given the following functions, f(x)"])
def test_a_prompt_without_functions_offers_none(prompt):
    """Words alone make no tool."""
    assert offer(prompt).tools == ()
    assert ask(prompt).calls_as == ""


def test_arguments_alone_where_a_call_has_fields():
    """The other families' bodies have places for the name."""
    assert written(Call("f", {"a": "é"}), "") == '{"a": "é"}'
