"""Values into Structs: every problem told, the rest kept."""

import msgspec
import pytest

from gateway.settings import Settings, SettingsError, decode


def found(text, environ=None):
    return [str(problem) for problem in decode(text.encode(), environ or {})[1]]


def test_all_problems_are_told_at_once():
    """One reading of a bad file tells everything that is wrong with it, in the file's order."""
    text = """\
server: {port: high, prot: 1, workers: 0, tls: {certificate: a.pem}}
aws: {endpoint_urls: {bedrok-runtime: "http://x", sts: "ftp://x"}}
redis: {on_failure: opened}
models:
  support:
    targets:
      - {arn: 5, weight: -1}
      - x
      - {famly: claude}
    timeouts: 5
  other: nothing
keys: {name: a}
limit: 3
"""

    assert found(text) == [
        'server.prot (line 1): there is no such setting here; did you mean "port"?',
        'server.port (line 1): must be a whole number from 0 to 65535, not "high"',
        "server.workers (line 1): must be a whole number of at least 1, not 0",
        "server.tls.key (line 1): is missing; write text that is not empty",
        'aws.endpoint_urls.bedrok-runtime (line 2): there is no such name here; did you mean "bedrock-runtime"?',
        'aws.endpoint_urls.sts (line 2): must be a URL of scheme and host: https://HOST, not "ftp://x"',
        "redis.url (line 3): is missing; write a URL that begins with redis://, rediss:// or unix://",
        'redis.on_failure (line 3): "opened" is not one of closed, local_share, open; did you mean "open"?',
        "models.support.targets[0].arn (line 7): must be text that is not empty, not 5; put it in quotes",
        "models.support.targets[0].weight (line 7): must be a whole number of at least 0, not -1",
        'models.support.targets[1] (line 8): must be a mapping with arn, name, family, …, not "x"',
        'models.support.targets[2].famly (line 9): there is no such setting here; did you mean "family"?',
        "models.support.targets[2].arn (line 9): is missing; write text that is not empty",
        "models.support.timeouts (line 10): must be a mapping with total_seconds, first_token_seconds, between_bytes_seconds, …, not 5",
        'models.other (line 11): must be a mapping with targets, description, fallbacks, …, not "nothing"',
        "keys (line 12): must be a list of mappings, not a mapping",
        'limit (line 13): there is no such setting here; did you mean "limits"?',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {port: high}", 'server.port (line 1): must be a whole number from 0 to 65535, not "high"'),
        ("server: {port: '80'}", 'server.port (line 1): must be a whole number from 0 to 65535, not "80"'),
        ("server: {port: 65536}", "server.port (line 1): must be a whole number from 0 to 65535, not 65536"),
        ("server: {port: 80.5}", "server.port (line 1): must be a whole number from 0 to 65535, not 80.5"),
        ("server: {port: true}", "server.port (line 1): must be a whole number from 0 to 65535, not true"),
        ("server: {port: }", "server.port (line 1): must be a whole number from 0 to 65535, not null"),
        ("server: {workers: 0}", "server.workers (line 1): must be a whole number of at least 1, not 0"),
        ("server: {drain_seconds: -1}", "server.drain_seconds (line 1): must be a number of at least 0, not -1"),
        ("server: {host: 5}", "server.host (line 1): must be text that is not empty, not 5; put it in quotes"),
        ("server: {host: ''}", 'server.host (line 1): must be text that is not empty, not ""'),
        ("server: 5", "server (line 1): must be a mapping with host, port, workers, …, not 5"),
        ("server: {prot: 1}", 'server.prot (line 1): there is no such setting here; did you mean "port"?'),
        ("limit: 3", 'limit (line 1): there is no such setting here; did you mean "limits"?'),
        (
            "redis: {on_failure: closed}",
            "redis.url (line 1): is missing; write a URL that begins with redis://, rediss:// or unix://",
        ),
        (
            "redis: {url: 'redis://x', on_failure: opened}",
            'redis.on_failure (line 1): "opened" is not one of closed, local_share, open; did you mean "open"?',
        ),
        (
            "aws: {endpoint_urls: {bedrok-runtime: 'http://x'}}",
            'aws.endpoint_urls.bedrok-runtime (line 1): there is no such name here; did you mean "bedrock-runtime"?',
        ),
        (
            "aws: {endpoint_urls: {sts: 'ftp://x'}}",
            'aws.endpoint_urls.sts (line 1): must be a URL of scheme and host: https://HOST, not "ftp://x"',
        ),
        ("aws: {region: us-west-2\u0662}", 'aws.region (line 1): must be an AWS region, not "us-west-2\u0662"'),
        ("models: [a]", "models (line 1): must be a mapping, not a list"),
        ("models: {a: b}", 'models.a (line 1): must be a mapping with targets, description, fallbacks, …, not "b"'),
        ("models: {a: {}}", "models.a.targets (line 1): is missing; write a list of mappings"),
        ("models: {a: {targets: x}}", 'models.a.targets (line 1): must be a list of mappings, not "x"'),
        ("models: {a: {targets: [{}]}}", "models.a.targets[0].arn (line 1): is missing; write text that is not empty"),
        ("models: {a: {targets: [], fallbacks: b}}", 'models.a.fallbacks (line 1): must be a list; each text, not "b"'),
        ("models: {a: {targets: [], defaults: 3}}", "models.a.defaults (line 1): must be a mapping, not 3"),
        (
            "keys: [{name: a}]",
            "keys[0].hash (line 1): is missing; write sha256: and the 64 hex digits of a key's SHA-256, as `quarry keys create` prints it",
        ),
        ("limits: {usd_per_month: 0}", "limits.usd_per_month (line 1): must be a number above 0, not 0"),
        ("[1, 2]", "line 1: must be a mapping with server, aws, redis, …, not a list"),
    ],
)
def test_a_problem_says_where_and_what_to_write(text, problem):
    """Each kind of mistake names its place, the offending value, and what would be right."""
    assert found(text) == [problem]


def test_what_is_right_is_kept_beside_what_is_wrong():
    """A mistake in one place leaves the rest readable, so that later checks have something to look at."""
    settings, problems = decode(b"server: {port: x, host: 127.0.0.1}\nmodels: {a: {targets: [{arn: b, weight: x}]}}", {})

    assert len(problems) == 2
    assert settings.server.host == "127.0.0.1"
    assert settings.server.port == 8080
    assert settings.models["a"].targets[0].arn == "b"
    assert settings.models["a"].targets[0].weight == 1


def test_a_variable_may_be_a_number():
    """Text from the environment becomes the number that the setting wants; text in quotes does not."""
    settings, problems = decode(b"server: {port: '${PORT}', drain_seconds: '${DRAIN}'}", {"PORT": "9000", "DRAIN": "1.5"})

    assert problems == []
    assert settings.server.port == 9000
    assert settings.server.drain_seconds == 1.5


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_number_is_finite(value):
    """No variable can make a time endless or undefined."""
    assert found("server: {drain_seconds: '${X}'}", {"X": value}) == [
        'server.drain_seconds (line 1): must be a number of at least 0, not "${X}"'
    ]


def test_no_secret_reaches_a_message():
    """A wrong value is shown, but not a key, not a password and not what a variable holds."""
    text = """\
server: {port: "${TOKEN}"}
redis: {url: "http://user:hunter2@cache"}
keys:
  - {name: a, hash: qk_abcdef_0123456789}
  - {name: b, hash: hunter2}
  - {name: c, secret: hunter2, hash: "${TOKEN}"}
  - "qk_abcdef_hunter2"
"""

    shown = "\n".join(found(text, {"TOKEN": "hunter2"}))

    assert shown.count("\n") >= 5
    assert "hunter2" not in shown
    assert "0123456789" not in shown


def test_a_missing_variable_is_one_problem():
    """What could not be replaced is not also called missing or wrong."""
    assert found("keys: [{name: a, hash: '${NONE}'}]\nserver: {port: '${NONE}'}") == [
        "keys[0].hash (line 1): the environment variable NONE is not set; set it, or write $${NONE} for the text itself",
        "server.port (line 2): the environment variable NONE is not set; set it, or write $${NONE} for the text itself",
    ]


def test_a_heading_with_nothing_below_it_is_empty():
    """Sections whose entries are all commented out are no mistake."""
    assert found("server:\naws:\nmodels:\nkeys:\nlimits:\nredis:\n") == []


def test_the_walk_agrees_with_msgspec():
    """What passes is what msgspec itself would have decoded from the same values."""
    values = {
        "server": {"port": 1, "tls": {"certificate": "a", "key": "b"}},
        "redis": {"url": "redis://x"},
        "models": {"a": {"targets": [{"arn": "x", "capacity": {"tokens_per_minute": 5}}], "defaults": {"stop": ["x"]}}},
        "keys": [{"name": "k", "hash": "sha256:" + "0" * 64, "limits": {"usd_per_month": 4.5}}],
    }

    assert decode(msgspec.yaml.encode(values), {}) == (msgspec.convert(values, Settings), [])


def test_the_error_lists_every_problem():
    """The error that a person reads counts the problems and has a line for each."""
    error = SettingsError(decode(b"server: {port: x, prot: 1}", {})[1], "quarry.yaml")

    assert str(error).splitlines()[0] == "quarry.yaml has 2 problems:"
    assert len(str(error).splitlines()) == 3
