"""Mistral's two forms against golden bodies."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import AssembledCall, Finish, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import InvalidParameter, MalformedReply, UnsupportedParameter
from adapters.parameters import fit

TEXT, CHAT = FAMILIES["mistral"], FAMILIES["mistral_chat"]
HEADERS = Usage(12, 9, source="headers")
WEATHER = ToolSpec(
    "get_weather", "The weather in a city.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)
TIME = ToolSpec("get_time", None, {"type": "object"})


def say(role: str, text: str, **fields) -> Message:
    return Message(role, (Text(text),) if text else (), **fields)


CONVERSATION = (
    say("system", "Be brief."),
    say("user", "Hi"),
    say("assistant", "Hello!"),
    say("user", "A tagline for a bakery?"),
)
ASKED = (say("system", "Be brief."), say("user", "What is the weather in Lisbon?"))
CALLED = say("assistant", "", tool_calls=(ToolCall("adN1ifNCS", "get_weather", '{"city": "Lisbon"}'),))
ANSWERED = say("tool", "18 degrees and sunny", tool_call_id="adN1ifNCS")


def messages(*said: Message) -> list[dict]:
    return json.loads(CHAT.encode(ChatRequest(said, Sampling(max_tokens=9)), False))["messages"]


def read(family, chunks):
    reader = family.reader(ChatRequest(ASKED))
    return assemble([delta for chunk in chunks for delta in reader.read(chunk)] + reader.end())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
class TestEncode:
    def test_the_text_form(self, golden_body, stream):
        """One prompt, every knob by its own name; a streamed body is the same one."""
        sampling = Sampling(max_tokens=100, temperature=0.5, top_p=0.9, top_k=50, stop=("--",))

        assert json.loads(golden_body("mistral/chat.request")) == json.loads(
            TEXT.encode(ChatRequest(CONVERSATION, sampling), stream)
        )

    def test_the_chat_form(self, golden_body, stream):
        """Messages, calls with their answers, tools; stop strings have no field."""
        sampling = Sampling(max_tokens=100, temperature=0.2, top_p=0.9, stop=("--",))
        request = ChatRequest((*ASKED, CALLED, ANSWERED), sampling, tools=(WEATHER,), tool_choice=ToolChoice("required"))

        assert json.loads(golden_body("mistral_chat/tools.request")) == json.loads(CHAT.encode(request, stream))


def test_system_messages_stand_first():
    """Mistral refuses a system text anywhere else, so all of it is gathered there, in order."""
    said = messages(
        say("user", "Hi"), say("system", "Be brief."), say("assistant", "Hello!"), say("system", "Be kind."), say("user", "So?")
    )

    assert said[0] == {"role": "system", "content": "Be brief.\n\nBe kind."}
    assert [message["role"] for message in said] == ["system", "user", "assistant", "user"]


def test_neighbours_of_one_role_are_one_turn():
    """Text joins, calls follow it, tools' answers stay apart."""
    other = say("assistant", "", tool_calls=(ToolCall("bQ2xkPLmR", "get_time", ""),))
    said = messages(
        say("user", "one"),
        say("user", "two"),
        say("assistant", "Let me look."),
        CALLED,
        other,
        ANSWERED,
        say("tool", "noon", tool_call_id="bQ2xkPLmR"),
    )

    assert [message["role"] for message in said] == ["user", "assistant", "tool", "tool"]
    assert said[0]["content"] == "one\n\ntwo"
    assert said[1]["content"] == "Let me look."
    assert [call["id"] for call in said[1]["tool_calls"]] == ["adN1ifNCS", "bQ2xkPLmR"]
    assert said[1]["tool_calls"][1]["function"]["arguments"] == "{}"


@pytest.mark.parametrize("call_id", ["call_0", "toolu_bdrk_01A", "adN1ifNCSJy4bpwrpJt5tw", "ünïcödé12", ""])
def test_ids_of_other_models_become_mistrals(call_id):
    """Nine letters or digits, the same for the call and its answer, and not the same for another call."""
    called = say("assistant", "", tool_calls=(ToolCall(call_id, "f", "{}"), ToolCall("other", "f", "{}")))
    said = messages(say("user", "Hi"), called, say("tool", "1", tool_call_id=call_id), say("tool", "2", tool_call_id="other"))
    first, second = (call["id"] for call in said[1]["tool_calls"])

    assert first.isascii()
    assert first.isalnum()
    assert len(first) == 9
    assert [said[2]["tool_call_id"], said[3]["tool_call_id"]] == [first, second]
    assert first != second


@pytest.mark.parametrize(
    ("choice", "native", "offered"),
    [
        pytest.param(None, None, ["get_weather", "get_time"], id="unsaid"),
        pytest.param(ToolChoice("auto"), "auto", ["get_weather", "get_time"], id="auto"),
        pytest.param(ToolChoice("none"), "none", ["get_weather", "get_time"], id="none"),
        pytest.param(ToolChoice("required"), "any", ["get_weather", "get_time"], id="required"),
        pytest.param(ToolChoice("named", "get_time"), "any", ["get_time"], id="named: the only one offered"),
    ],
)
def test_tool_choice(choice, native, offered):
    """Mistral knows auto, any and none; a named tool is the only one there is."""
    request = ChatRequest(ASKED, Sampling(max_tokens=9), tools=(WEATHER, TIME), tool_choice=choice)
    body = json.loads(CHAT.encode(request, False))

    assert body.get("tool_choice") == native
    assert [tool["function"]["name"] for tool in body["tools"]] == offered
    assert "description" not in body["tools"][-1]["function"]


ROOM = ResponseFormat(
    "json_schema", "room", {"type": "object", "properties": {"room": {"type": "integer"}}, "required": ["room"]}
)


@pytest.mark.parametrize(
    ("tools", "offered"), [((), ["final_answer"]), ((WEATHER,), ["get_weather", "final_answer"])], ids=["alone", "beside tools"]
)
def test_a_wanted_format_is_a_hidden_tool(tools, offered):
    """Alone it is forced; beside tools of the caller's it is offered, and the model told to end with it."""
    body = json.loads(CHAT.encode(ChatRequest(ASKED, Sampling(max_tokens=9), tools=tools, response_format=ROOM), False))

    assert [tool["function"]["name"] for tool in body["tools"]] == offered
    assert body["tools"][-1]["function"]["parameters"] == ROOM.schema
    assert body.get("tool_choice") == (None if tools else "any")
    assert ("final_answer" in body["messages"][0]["content"]) == bool(tools)


def test_the_answer_to_it_is_text():
    """Whole and streamed the caller sees JSON, and a reply that has ended; a stop string is looked for in that."""
    call = {"id": "adN1ifNCS", "type": "function", "function": {"name": "final_answer", "arguments": '{"room": 614}'}}
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "stop_reason": "tool_calls"}]}).encode()
    request = ChatRequest(ASKED, response_format=ROOM)
    reader = CHAT.reader(request)

    assert CHAT.decode(body, request, HEADERS) == [TextDelta('{"room": 614}'), Finish("stop", "tool_calls"), HEADERS]
    assert assemble([*reader.read(body), *reader.end()]).text == '{"room": 614}'
    assert (
        assemble(CHAT.decode(body, ChatRequest(ASKED, Sampling(stop=("14",)), response_format=ROOM), None)).text == '{"room": 6'
    )


def test_one_call_at_a_time(golden_body):
    """The body cannot say it: of the calls in a reply the caller sees the first, whole and streamed."""
    reply = json.loads(golden_body("mistral_chat/tools.reply"))
    calls = reply["choices"][0]["message"]["tool_calls"]
    calls.append({"id": "adN1ifNCT", "function": {"name": "get_time", "arguments": "{}"}})
    both = json.dumps(reply).encode()
    serial = ChatRequest(ASKED, tools=(WEATHER, TIME), parallel_tool_calls=False)
    reader = CHAT.reader(serial)

    assert b"parallel" not in CHAT.encode(fit(serial, CHAT)[0], False)
    assert [call.name for call in assemble(CHAT.decode(both, serial, None)).tool_calls] == ["get_weather"]
    assert [call.name for call in assemble([*reader.read(both), *reader.end()]).tool_calls] == ["get_weather"]
    assert len(assemble(CHAT.decode(both, ChatRequest(ASKED, tools=(WEATHER, TIME)), None)).tool_calls) == 2


@pytest.mark.parametrize(
    ("family", "request_", "parameter"),
    [
        (TEXT, ChatRequest(ASKED, tools=(WEATHER,)), "tools"),
        (TEXT, ChatRequest(ASKED, Sampling(stop=tuple("abcdefghijk"))), "stop"),
        (TEXT, ChatRequest(ASKED, Sampling(temperature=1.1)), "temperature"),
        (CHAT, ChatRequest(ASKED, Sampling(top_k=5)), "top_k"),
        (CHAT, ChatRequest(ASKED, prompt="<s>[INST] Hi [/INST]"), "prompt"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_form_has_no_place_for_is_refused(family, request_, parameter):
    """By its name, before anything is asked."""
    with pytest.raises((UnsupportedParameter, InvalidParameter)) as refused:
        fit(request_, family)

    assert refused.value.parameter == parameter
    assert f'"{family.name}"' in str(refused.value)


@pytest.mark.parametrize(
    ("family", "body", "text", "finish", "usage"),
    [
        (TEXT, "mistral/stop", " Bread worth waking for.", Finish("stop", "stop"), HEADERS),
        (TEXT, "mistral/length", " Bread", Finish("length", "length"), HEADERS),
        (CHAT, "mistral_chat/text", "Bread worth waking for.", Finish("stop", "stop"), HEADERS),
        (CHAT, "mistral_chat/large2", "Bread worth", Finish("length", "length"), Usage(12, 2)),
    ],
    ids=["text", "text, cut", "chat", "chat of Large 24.07"],
)
def test_a_whole_reply(golden_body, family, body, text, finish, usage):
    """Where the body counts nothing the headers do."""
    assert [TextDelta(text), finish, usage] == family.decode(golden_body(f"{body}.reply"), ChatRequest(ASKED), HEADERS)


def test_a_whole_reply_with_a_call(golden_body):
    """The call's id is Mistral's own."""
    reply = assemble(CHAT.decode(golden_body("mistral_chat/tools.reply"), ChatRequest(ASKED), HEADERS))

    assert reply.tool_calls == (AssembledCall("adN1ifNCSJy4bpwrpJt5tw", "get_weather", '{"city": "Lisbon"}'),)
    assert reply.finish == Finish("tool_calls", "tool_calls")
    assert reply.text == ""


@pytest.mark.parametrize(
    ("family", "chunks", "text", "usage"),
    [
        (TEXT, "mistral/stop", " Bread worth waking for.", Usage(25, 9, source="metrics")),
        (CHAT, "mistral_chat/text", "Bread worth waking for.", Usage(12, 6, source="metrics")),
    ],
    ids=["text", "chat"],
)
def test_a_stream(golden_chunks, family, chunks, text, usage):
    """Chunks of either form join to the text; Bedrock's metrics count it."""
    reply = read(family, golden_chunks(chunks))

    assert (reply.text, reply.finish, reply.usage) == (text, Finish("stop", "stop"), usage)


def test_a_stream_with_several_calls(golden_chunks):
    """The chat form tells its calls whole, in the last chunk."""
    reply = read(CHAT, golden_chunks("mistral_chat/tools"))

    assert [(call.id, call.arguments) for call in reply.tool_calls] == [
        ("adN1ifNCS", '{"city": "Lisbon"}'),
        ("bQ2xkPLmR", '{"city": "Porto"}'),
    ]
    assert reply.finish == Finish("tool_calls", "tool_calls")
    assert reply.usage == Usage(70, 21)


@pytest.mark.parametrize(("family", "chunks"), [(TEXT, "mistral/stop"), (CHAT, "mistral_chat/text")], ids=["text", "chat"])
def test_stop_is_honoured_here(golden_chunks, family, chunks):
    """The chat form has no field for it, and an import may ignore the one of the text form: the reader is cut there."""
    reader = family.reader(ChatRequest(ASKED, Sampling(stop=(" waking",))))
    deltas = [delta for chunk in golden_chunks(chunks) for delta in reader.read(chunk)] + reader.end()

    assert reader.cut
    assert assemble(deltas).text.strip() == "Bread worth"
    assert Finish("stop", stop=" waking") in deltas


@pytest.mark.parametrize("family", [TEXT, CHAT], ids=["text", "chat"])
def test_either_form_of_a_reply_is_read_by_either_family(golden_body, golden_chunks, family):
    """A model told to be the one and answering as the other is understood."""
    for body in ("mistral/stop", "mistral_chat/text"):
        assert (
            assemble(family.decode(golden_body(f"{body}.reply"), ChatRequest(ASKED), None)).text.strip()
            == "Bread worth waking for."
        )
        if body != "mistral_chat/text":
            assert read(family, golden_chunks(body)).text.strip() == "Bread worth waking for."


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("length", Finish("length", "length")),
        ("model_length", Finish("length", "model_length")),
        ("new_word", Finish("stop", "new_word", known=False)),
    ],
)
def test_stop_words(word, finish):
    """Each native word has its meaning; one that is not known ends the reply and is marked."""
    text = json.dumps({"outputs": [{"text": "Bread", "stop_reason": word}]}).encode()
    message = {"role": "assistant", "content": "Bread"}
    chat = json.dumps({"choices": [{"index": 0, "message": message, "stop_reason": word}]}).encode()

    assert finish == assemble(TEXT.decode(text, ChatRequest(ASKED), None)).finish == read(TEXT, [text]).finish
    assert finish == assemble(CHAT.decode(chat, ChatRequest(ASKED), None)).finish == read(CHAT, [chat]).finish


def test_a_failed_generation_is_no_reply():
    """``error`` with some text is a failure, not a short answer."""
    body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Bread"},"stop_reason":"error"}]}'

    with pytest.raises(MalformedReply, match="error"):
        CHAT.decode(body, ChatRequest(ASKED), None)
