"""How a problem reads, and what no message shows."""

import pytest

from gateway.findings import Problem, masked, nearest, quoted, step, suggestion


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("models.a.targets[1].arn", "is missing", 7), "models.a.targets[1].arn (line 7): is missing"),
        (Problem("models.a", "is missing"), "models.a: is missing"),
        (Problem("", "the file is empty"), "the file is empty"),
        (Problem("", "this is not YAML", 3), "line 3: this is not YAML"),
    ],
    ids=["with a line", "without a line", "the whole file", "a line of it"],
)
def test_a_problem_reads_as_place_and_message(problem, line):
    """A problem is one line: where, and what to do."""
    assert line == str(problem)


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("", "models", "models"),
        ("models", "support", "models.support"),
        ("models.support.targets", 1, "models.support.targets[1]"),
        ("models", "llama3.1:8b", 'models["llama3.1:8b"]'),
        ("", "a b", '["a b"]'),
    ],
)
def test_a_step_can_be_told_from_two(path, key, expected):
    """A name with dots in it is quoted, so that a path has one reading."""
    assert expected == step(path, key)


def test_the_nearest_name_is_offered():
    """A slip of the pen gets the name that was meant; nonsense gets the list."""
    known = ("temperature", "top_p", "max_tokens")

    assert nearest("temprature", known) == "temperature"
    assert nearest("TOP_P", known) == "top_p"
    assert suggestion("temprature", known) == 'did you mean "temperature"?'
    assert suggestion("zzz", known) == "known are max_tokens, temperature, top_p"
    assert suggestion("zzz", ()) == "none is known"


def test_a_huge_name_is_not_compared():
    """A caller's megabyte of text costs no comparison."""
    assert nearest("temperature" * 100_000, ("temperature",)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qk_abc123_0123456789abcdefABCDEF", "qk_abc123_***"),
        ("Bearer qk_a_b and qk_c_d", "Bearer qk_a_*** and qk_c_***"),
        ("redis://user:p4ss@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:p4ss@host", "redis://:***@host"),
        ("postgresql://user:p@ss@host/db", "postgresql://user:***@host/db"),
        ("https://example.com:8443/a@b", "https://example.com:8443/a@b"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_inside_text_are_masked(text, expected):
    """Gateway keys and the passwords of URLs are replaced wherever they stand; the rest is left."""
    assert expected == masked(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (0.5, "0.5"),
        ("a\nb", '"a\\nb"'),
        ("x" * 200, '"' + "x" * 128 + '…"'),
        ({"secret": 1}, "a mapping"),
        (["secret"], "a list"),
        ("qk_abc_secret", '"qk_abc_***"'),
    ],
)
def test_a_quoted_value_is_short_and_safe(value, expected):
    """A value in a message is one short line without secrets, and collections are never opened."""
    assert expected == quoted(value)
