"""YAML as the configuration reads it: strict where YAML surprises, bounded where it multiplies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.source import MAX_BYTES, MAX_DEPTH, Substituted, read


def messages(text, environ=None):
    return [str(problem) for problem in read(text.encode(), environ or {}).problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8080", 8080),
        ("-1", -1),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("1.5e+3", 1500.0),
        ("true", True),
        ("", None),
        ("~", None),
        ("null", None),
        ("no", "no"),
        ("on", "on"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        (".inf", ".inf"),
        ("'8080'", "8080"),
        ("!!str 8080", "8080"),
        ("=", "="),
        ("9" * 40, "9" * 40),
    ],
)
def test_a_plain_value_is_what_everybody_would_say(written, value):
    """Octal, sexagesimal, yes/no and dates are text: a value is a number or a truth only where it looks like one."""
    source = read(f"a: {written}".encode(), {})

    assert source.problems == ()
    assert source.values == {"a": value}
    assert type(source.values["a"]) is type(value)


def test_names_are_text():
    """A name may look like a number or a truth; it is still a name."""
    assert read(b"on: 1\n8080: 2\n1.5: 3\n", {}).values == {"on": 1, "8080": 2, "1.5": 3}


def test_values_know_their_lines():
    """Each value remembers its line, counted from 1."""
    source = read(b"models:\n  a:\n    targets:\n      - arn: x\n      - arn: y\n", {})

    assert source.lines["models.a"] == 2
    assert source.lines["models.a.targets[1].arn"] == 5


def test_a_name_stands_once():
    """A repeated name is a problem with its line; YAML alone would silently take the last."""
    assert messages("models:\n  a: 1\n  b: 2\n  a: 3\n") == ["models.a (line 4): stands twice in the same mapping; remove one"]


def test_anchors_and_merges_work():
    """Aliases repeat a value; a merge gives way to what the mapping says itself, and earlier bases win."""
    source = read(b"a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 0}\nd: *a\n", {})

    assert source.problems == ()
    assert source.values["c"] == {"x": 0, "y": 2, "z": 4}
    assert source.values["d"] == {"x": 1, "y": 2}


def test_a_merge_needs_a_mapping():
    """Merging a text is a problem, not a crash."""
    assert messages("a: {<<: x}") == ["a (line 1): << needs a mapping, as in `<<: *name`"]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    "text", [BOMB, "a: &a [*a]", "a: &a {<<: *a}", "a: &a {b: *a}"], ids=["billion", "list", "merge", "mapping"]
)
def test_aliases_may_not_multiply(text):
    """A few lines that stand for billions of values, or for themselves, are refused once and cheaply."""
    found = messages(text)

    assert len(found) == 1
    assert "aliases repeat too much" in found[0]


@pytest.mark.parametrize("piece", ["[", "- ", "? ", "{a: "])
def test_deep_nesting_is_refused(piece):
    """Nesting that would end the process inside the YAML library is refused before it gets there."""
    assert messages("a: 1\nb:\n  " + piece * 100_000) == [f"more than {MAX_DEPTH} levels are nested"]


def test_a_huge_file_is_refused():
    """More than a megabyte is not parsed at all."""
    assert messages("#" * (MAX_BYTES + 1)) == [f"the file is {MAX_BYTES + 1} bytes long; at most {MAX_BYTES} are read"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "line 2: this is not YAML: did not find expected ',' or ']'"),
        ("a: 1\n\tb: 2", "line 2: this is not YAML: found a tab character that violates indentation"),
        ("a: *b", "line 1: this is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2", "line 2: this is not YAML: but found another document"),
    ],
)
def test_what_is_not_yaml_names_the_line(text, message):
    """A syntax error says where, and shows none of the text around it."""
    assert messages(text) == [message]


@pytest.mark.parametrize("text", [b"a: \x00", b"\x80", b"a: \xff\xfe"])
def test_what_is_not_text_is_refused(text):
    """Bytes that are no UTF-8 text are one problem, not a crash."""
    assert [problem.message for problem in read(text, {}).problems] == ["this is not YAML in UTF-8"]


def test_tags_that_make_objects_are_refused():
    """Only plain values exist: no tag can make anything else."""
    assert messages("a: !!python/object/apply:os.getcwd []\nb: !x 1\nc: !!binary aGk=") == [
        'a (line 1): the tag "!!python/object/apply:os.getcwd" is not known here; write a plain value',
        'b (line 2): the tag "!x" is not known here; write a plain value',
        'c (line 3): the tag "!!binary" is not known here; write a plain value',
    ]


def test_an_empty_file_has_no_values():
    """Nothing at all is no problem of the text."""
    assert read(b"# only a comment\n", {}) == (None, {}, ())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${HOST}", "db.internal"),
        ("redis://${HOST}:6379/${HOST}", "redis://db.internal:6379/db.internal"),
        ("$${HOST}", "${HOST}"),
        ("$${HOST} ${HOST}", "${HOST} db.internal"),
        ("$HOST", "$HOST"),
        ("'${EMPTY}'", ""),
    ],
)
def test_variables_are_replaced(written, value):
    """``${NAME}`` takes the variable, ``$${`` stands for itself, a lone dollar is a dollar."""
    source = read(f"a: {written}".encode(), {"HOST": "db.internal", "EMPTY": ""})

    assert source.problems == ()
    assert source.values == {"a": value}


def test_a_replaced_value_remembers_what_was_written():
    """Messages can show the file's text, so that a variable's value never reaches one."""
    value = read(b"a: x${SECRET}", {"SECRET": "hunter2"}).values["a"]

    assert isinstance(value, Substituted)
    assert value.written == "x${SECRET}"


def test_variables_that_cannot_be_replaced_are_problems():
    """A missing variable and a malformed one are told apart, each with what to do."""
    assert messages("a: ${MISSING}\nb: ${MISSING:-x}\nc: '${'") == [
        "a (line 1): the environment variable MISSING is not set; set it, or write $${MISSING} for the text itself",
        "b (line 2): write ${NAME} for an environment variable, or $${ for the two characters",
        "c (line 3): write ${NAME} for an environment variable, or $${ for the two characters",
    ]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_a_variable_stays_inside_its_value(text):
    """Whatever a variable holds, it is one text value: it can add no name, no entry and no variable of its own."""
    assert read(b"a: ${X}\nb: ['${X}']", {"X": text, "Y": "never"}).values == {"a": text, "b": [text]}


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_problems(text):
    """No file raises."""
    read(text, {})


@settings(deadline=None)
@given(st.text("ab:-[]{}&*<!?#|>'\" \n", max_size=60))
def test_any_yaml_like_text_is_values_or_problems(text):
    """No text made of YAML's own signs raises."""
    read(text.encode(), {})
