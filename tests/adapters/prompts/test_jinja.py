"""What a chat template may see, and what becomes of one that fails."""

from datetime import UTC, datetime

import pytest

from adapters.chat import ChatRequest, Document, Message, Text, ToolCall, ToolSpec
from adapters.errors import UnsupportedContent, UnsupportedParameter
from adapters.prompts.checkpoint import Checkpoint
from adapters.prompts.jinja import TooLong, Unusable, Writer

SAID = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TOOL = ToolSpec("get", None, {})


def writer(text, tokens=None, **templates):
    return Writer(Checkpoint({"default": text} | templates, tokens or {}), lambda: NOW)


def write(text, *messages, most=1000, **changes):
    return writer(text).write(ChatRequest(messages=messages or (user("hi"),), **changes), most_characters=most)


def user(text):
    return Message("user", (Text(text),))


def test_variables():
    """Conversation, tools, the named tokens, and that an answer is wanted; what is not there is none, or undefined."""
    text = SAID + "{{ bos_token }}|{{ add_generation_prompt }}|{{ tools }}|{{ documents }}|{{ eos_token is defined }}"

    assert writer(text, {"bos_token": "<s>"}).write(ChatRequest(messages=(user("hi"),)), most_characters=1000) == (
        "user:hi;<s>|True|None|None|False"
    )


def bot(text, **changes):
    return Message("assistant", (Text(text),), **changes)


def test_an_assistant_that_spoke_last_is_carried_on():
    """The prompt ends behind its last word: no end of its turn, no turn for an answer, no white space."""
    text = SAID + "{% if add_generation_prompt %}assistant:{% endif %}"

    assert write(text, user("hi"), bot("1, 2, \n")) == "user:hi;assistant:1, 2,"
    assert write(text, user("hi"), bot("1,"), bot("2, ")) == "user:hi;assistant:1,;assistant:2,"
    assert write(text, user("hi"), bot("1, 2, "), user("on")) == "user:hi;assistant:1, 2, ;user:on;assistant:"


def test_an_assistant_in_parts_is_carried_on():
    """A template that reads lists gets the mark in the last text."""
    text = "{% for m in messages %}{{ m.role }}:{% for p in m.content %}{{ p.text }}{% endfor %};{% endfor %}"

    assert write(text, user("hi"), bot("1, 2, ")) == "user:hi;assistant:1, 2,"


def test_words_that_the_template_leaves_out_are_not_carried_on():
    """Without them in the prompt there is nothing to go on from."""
    with pytest.raises(UnsupportedContent, match="leaves out the assistant's last words"):
        write("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", user("hi"), bot("1"))


def test_a_call_is_not_carried_on():
    """It is refused by the place of its message, whatever the template would make of it."""
    with pytest.raises(UnsupportedContent, match="calls a tool") as refused:
        write(SAID, user("hi"), bot("", tool_calls=(ToolCall("c", "get", "{}"),)))

    assert refused.value.parameter == "messages[1]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ strftime_now('%d %b %Y') }}", "27 Nov 2026"),
        ("{{ {'a': '<b> é'} | tojson }}", '{"a": "<b> é"}'),
        ("{{ {'b': 1, 'a': 2} | tojson(indent=1, sort_keys=true) }}", '{\n "a": 2,\n "b": 1\n}'),
        ("{{ [1, 2] | tojson(separators=(',', ':')) }}", "[1,2]"),
        (
            "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        ("{% generation %}a{% endgeneration %}b", "ab"),
        ("{% set ns = namespace(n=1) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}", "2"),
        ("{{ dict(a=1)['a'] }}{{ dict.fromkeys('a')|list }}", "1['a']"),
        ("\n  {% if true %}\n  x\n  {% endif %}", "  x\n"),
    ],
    ids=[
        "clock",
        "tojson",
        "tojson sorted",
        "tojson tight",
        "loop controls",
        "generation",
        "namespace",
        "dict",
        "trimmed blocks",
    ],
)
def test_what_a_template_may_do(text, expected):
    """Hugging Face's additions to Jinja, and its whitespace."""
    assert write(SAID + text) == "user:hi;" + expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ raise_exception('roles must\n alternate') }}", "roles must alternate"),
        ("{{ nothing.at.all }}", "UndefinedError 'nothing' is undefined"),
        ("{{ 'a' + 1 }}", "TypeError"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError"),
        ("{{ messages[9].content }}", "UndefinedError"),
    ],
)
def test_a_template_that_fails_refuses_the_conversation(text, reason):
    """Its own words, or the kind of its mistake, on one line; the conversation is to blame, since the template has worked before."""
    with pytest.raises(UnsupportedContent, match=reason) as refused:
        write(SAID + "{% if messages[0].content == 'hi' %}" + text + "{% endif %}")
    assert refused.value.parameter == "messages"


def test_what_is_said_of_this_machine_is_not_told():
    """An error that is not about the template is named by its kind alone."""

    def clock():
        raise OSError("/etc/localtime")

    broken = Writer(
        Checkpoint({"default": SAID + "{% if messages[0].content == 'hi' %}{{ strftime_now('%d') }}{% endif %}"}), clock
    )
    with pytest.raises(UnsupportedContent) as refused:
        broken.write(ChatRequest(messages=(user("hi"),)), most_characters=99)

    assert str(refused.value).endswith("conversation: OSError")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__['jinja2'].x() }}",
        "{{ raise_exception.__globals__.jinja2 }}",
        "{{ tojson.__init__.__globals__() }}",
        "{{ self.__init__.__globals__.x() }}",
        "{{ cycler.__init__.__globals__.os.system('x') }}",
        "{{ (messages|attr('__class__')).mro() }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
        "{{ '{0.__class__.__mro__}'.format_map({'0': messages}) }}",
        "{% set f = 'x{0.__class__.__mro__}'.format %}{{ f(messages) }}",
        "{{ ['{0.__class__.mro}'] | map('format', messages) | list }}",
        "{{ (['{0.__class__}'.format] | first)(messages) }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(role='system') }}",
        "{{ messages.clear() }}",
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
        "{{ namespace(__init__=1) }}",
        "{{ dict.__class__.__mro__[0]() }}",
        "{{ dict.fromkeys.__func__.__globals__['json']() }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ range(10**6) | list }}",
    ],
)
def test_nothing_leads_out_of_the_sandbox(text):
    """No chain of attributes, format string, filter or method reaches Python's insides or changes what it was given."""
    try:
        result = write(SAID + text)
    except (Unusable, UnsupportedContent):
        return
    # Jinja writes nothing where what is asked for is out of bounds, and only using it raises.
    assert result == "user:hi;"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% if %}", "cannot be read: TemplateSyntaxError"),
        ("{% include 'x' %}" + SAID, "no loader"),
        ("{% import 'os' as os %}" + SAID, "no loader"),
        ("hello", "does not write down"),
        ("", "does not write down"),
        ("{{ messages|length }}", "does not write down"),
        ("{{ raise_exception('never') }}", "never"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "cannot be read"),
    ],
    ids=["syntax", "include", "import", "constant", "empty", "deaf", "always refuses", "nested"],
)
def test_a_template_that_is_of_no_use(text, reason):
    """It is found out before any request, and the reason is told."""
    with pytest.raises(Unusable, match=reason):
        writer(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (SAID, "text"),
        ("{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}", "parts"),
        ("{{ messages[0]['content'][0]['text'] + messages[-1]['content'][0]['text'] }}", "parts"),
        ("{% for m in messages %}{{ m.content if m.content is string else m.content[0].text }}{% endfor %}", "text"),
        ("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + SAID, "text"),
        ("{{ messages[-1].content }}", "text"),
    ],
    ids=["text", "parts", "parts by index", "both", "without system", "without history"],
)
def test_how_a_template_reads_content(text, form):
    """Found out by trying: the words must come out as they went in."""
    assert writer(text).form == form


def test_output_is_bounded():
    """What writes more than it may is stopped while it writes."""
    endless = (
        SAID
        + "{% if messages|length == 1 and messages[0].content == 'hi' %}{% for i in range(99999) %}xxxxxxxxxx{% endfor %}{% endif %}"
    )
    with pytest.raises(TooLong, match="more than 100 characters"):
        write(endless, most=100)
    assert len(write(SAID, user("x" * 93), most=100)) == 99


def test_roles_that_must_alternate():
    """Neighbours of one role are one turn for a template that refuses them, and two for one that does not."""
    alternating = SAID.replace(
        "}}:", "}}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}:"
    )

    assert write(alternating, user("a"), user("b")) == "user:a\n\nb;"
    assert write(SAID, user("a"), user("b")) == "user:a;user:b;"
    with pytest.raises(UnsupportedContent, match="alternate"):
        write(alternating, Message("assistant", (Text("a"),)), Message("assistant", (Text("b"),)))


def test_what_a_template_has_no_place_for_is_refused():
    """Tools and documents are not dropped in silence."""
    document = Message("user", (Text("see"), Document("text/plain", "facts")))

    with pytest.raises(UnsupportedParameter, match="no place for tools"):
        write(SAID, tools=(TOOL,))
    with pytest.raises(UnsupportedParameter, match="no place for documents"):
        write(SAID, document)
    assert write(SAID + "{{ documents }}", document).startswith("user:see;[{")


def test_a_template_of_its_own_for_tools():
    """``tool_use`` writes requests with tools, ``default`` the others; alone it writes no others."""
    both = writer(SAID, tool_use=SAID + "{{ tools|length }}")
    alone = Writer(Checkpoint({"tool_use": SAID + "{{ tools|length }}"}), lambda: NOW)
    plain, tooled = ChatRequest(messages=(user("a"),)), ChatRequest(messages=(user("a"),), tools=(TOOL,))

    assert both.write(plain, most_characters=99) == "user:a;"
    assert both.write(tooled, most_characters=99) == "user:a;1"
    assert alone.write(tooled, most_characters=99) == "user:a;1"
    with pytest.raises(UnsupportedContent, match="has none"):
        alone.write(plain, most_characters=99)


def test_callers_text_is_no_template():
    """Jinja in what a caller says is text."""
    assert write(SAID, user("{{ 7 * 7 }}{% for %}{# #}")) == "user:{{ 7 * 7 }}{% for %}{# #};"


def test_one_template_leaves_nothing_behind_for_another():
    """What a template sets is gone with it."""
    first, second = (
        writer(SAID + "{% set x = 1 %}{% macro y() %}{% endmacro %}"),
        writer(SAID + "{{ x is defined }}{{ y is defined }}"),
    )
    request = ChatRequest(messages=(user("a"),))
    first.write(request, most_characters=99)

    assert second.write(request, most_characters=99) == "user:a;FalseFalse"
