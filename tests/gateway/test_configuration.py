"""A configuration checked as a whole: the file, its aliases and its keys in one list."""

import contextlib
import hashlib
from pathlib import Path

import hypothesis
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.configuration import check, configure, report
from gateway.settings import Settings, SettingsError, decode

EXAMPLE = Path("deploy/quarry.example.yaml")
EXAMPLE_ENVIRON = {
    "AWS_ACCOUNT_ID": "123456789012",
    "SEARCH_BACKEND_KEY_HASH": f"sha256:{hashlib.sha256(b'one').hexdigest()}",
    "PROMETHEUS_KEY_HASH": f"sha256:{hashlib.sha256(b'two').hexdigest()}",
}

GOOD = f"""\
models:
  support:
    targets:
      - arn: arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6
        family: claude
keys:
  - {{name: a, hash: "sha256:{"0" * 64}"}}
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "quarry.yaml"
        path.write_text(text)
        return path

    return write


def problems(path):
    with pytest.raises(SettingsError) as caught:
        configure(path, {})
    return [problem.path for problem in caught.value.problems]


def test_a_good_file_makes_everything(written):
    """Settings, registry and keys come out of one reading."""
    configuration = configure(written(GOOD), {})

    assert list(configuration.snapshot.routes) == ["support"]
    assert [key.id for key in configuration.keys] == ["0" * 12]
    assert configuration.settings.server.port == 8080
    assert configuration.warnings == ()


def test_the_example_is_a_good_file():
    """deploy/quarry.example.yaml works as it stands, with the variables that it names, and warns of nothing."""
    configuration = configure(EXAMPLE, EXAMPLE_ENVIRON)

    assert list(configuration.snapshot.routes) == ["support-haiku", "support-llama"]
    assert configuration.warnings == ()
    assert [key.name for key in configuration.keys] == ["search-backend", "prometheus"]


def test_the_example_needs_just_the_variables_that_it_names():
    """Without its variables the example says which are missing, and nothing else."""
    with pytest.raises(SettingsError) as caught:
        configure(EXAMPLE, {})

    missing = {problem.message.split()[3] for problem in caught.value.problems}
    assert missing == EXAMPLE_ENVIRON.keys()


def test_what_is_commented_out_in_the_example_is_right_too(written):
    """Its optional sections can be switched on by removing the sign in front."""
    before, after = EXAMPLE.read_text().split("# limits:")
    optional = "limits:" + after.replace("\n# ", "\n")

    configuration = configure(written(before + optional), EXAMPLE_ENVIRON)

    assert [warning.split(":")[0] for warning in configuration.warnings] == [
        "redis",
        "database",
        "limits.requests_per_minute",
    ]


def test_problems_of_form_and_of_meaning_come_together(written):
    """A wrong type in one alias and an unknown family in another are told in one go."""
    text = GOOD.replace("family: claude", "family: clod") + "server: {port: x}\n"

    assert problems(written(text)) == ["models.support.targets[0].family", "server.port"]


def test_every_problem_has_its_line(written):
    """What a room finds is given its line too; what is missing, the line of the heading above it."""
    arn = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6"
    text = GOOD.replace(arn, "meta.llama3-8b-instruct-v1:0") + "limits: {requests_per_minute: 0}\n"

    with pytest.raises(SettingsError) as caught:
        configure(written(text), {})

    assert [(problem.path, problem.line) for problem in caught.value.problems] == [
        ("models.support.targets[0].region", 4),
        ("limits.requests_per_minute", 8),
    ]


def test_an_override_has_no_line(written):
    """What the file does not say has no place in it."""
    with pytest.raises(SettingsError) as caught:
        configure(written(GOOD), {"QUARRY_PORT": "x"})

    assert [(problem.path, problem.line) for problem in caught.value.problems] == [("server.port", None)]


def test_reading_writes_nothing(written):
    """The folder of the configuration holds what it held before."""
    path = written(GOOD)

    configure(path, {})

    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_one_mistake_is_one_problem(written):
    """What merely follows from a problem of form is not told again."""
    text = f"""\
models:
  a: {{targets: x}}
  b: {{targets: [{{arn: 5, family: claude}}]}}
  c: 7
  d: {{targets: [{{arn: "${{NONE}}", family: claude}}], fallbacks: [a, b, c]}}
keys: [{{name: a, hash: x}}, {{name: b, hash: "sha256:{"0" * 64}"}}, {{name: c}}]
"""

    assert problems(written(text)) == [
        "models.a.targets",
        "models.b.targets[0].arn",
        "models.c",
        "models.d.targets[0].arn",
        "keys[0].hash",
        "keys[2].hash",
    ]


def test_an_unreadable_file_is_one_problem(written):
    """Where nothing could be read, nothing is said of what is missing."""
    assert problems(written("models: [")) == [""]


def test_an_empty_file_warns():
    """Nothing to call and nobody to call it is legal, and said."""
    configuration = check(Settings(), name="nothing")

    assert [warning.split(":")[0] for warning in configuration.warnings] == ["models", "keys"]


def test_the_report_holds_no_secret(written):
    """``serve --check`` prints settings and warnings, with passwords and hashes masked."""
    shown = report(configure(written(GOOD + 'redis: {url: "redis://:hunter2@cache"}\n'), {}))

    assert "hunter2" not in shown
    assert "0" * 64 not in shown
    assert "redis://:***@cache" in shown
    assert "# warning: redis: not used yet" in shown
    assert shown.startswith("# ")
    assert "1 warning\n" in shown


WORDS = st.sampled_from(
    [
        *("server", "aws", "redis", "database", "models", "limits", "keys", "targets", "arn", "family", "claude", "name", "hash"),
        *("fallbacks", "defaults", "temperature", "stop", "timeouts", "cold_start", "a", "${A}", "${", "port", "url", "weight"),
        *("arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6", "sha256:" + "0" * 64, "redis://x", "scopes"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=30,
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "models": st.dictionaries(WORDS, st.fixed_dictionaries({"targets": st.lists(st.dictionaries(WORDS, VALUES))}) | VALUES),
        "keys": st.lists(st.dictionaries(WORDS, VALUES)) | VALUES,
        **dict.fromkeys(("server", "aws", "redis", "database", "limits"), VALUES),
    },
)


@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])  # a busy machine is no failure
@given(FILES | VALUES)
def test_no_file_is_a_crash(values):
    """Whatever stands where, the answer is a configuration or problems that name their places."""
    settings, problems = decode(msgspec.yaml.encode(values), {"A": "1"})

    with contextlib.suppress(SettingsError):
        check(settings, name="any", problems=problems)
