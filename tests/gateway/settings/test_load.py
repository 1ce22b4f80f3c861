"""Which file is read, and what the environment overrides."""

import pytest

from gateway.settings import SettingsError, content, decode, find


def write(path, text="server: {port: 8081}\n"):
    path.write_text(text)
    return path


def test_the_file_named_wins(tmp_path, monkeypatch):
    """A path given on the command line wins over QUARRY_CONFIG, and that over quarry.yaml in the working directory."""
    monkeypatch.chdir(tmp_path)
    named, environment = write(tmp_path / "named.yaml"), write(tmp_path / "environment.yaml")
    here = write(tmp_path / "quarry.yaml")
    environ = {"QUARRY_CONFIG": str(environment)}

    assert find(named, environ) == named
    assert find(None, environ) == environment
    assert find(None, {}).resolve() == here


def test_without_a_file_the_error_says_what_to_write(tmp_path, monkeypatch):
    """Nobody is left with "not found": the message holds a file to begin with, and the way without AWS."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError) as caught:
        find(None, {})

    message = str(caught.value)
    assert "quarry serve --sandbox" in message
    assert "quarry keys create" in message
    start = message.index("  models:")
    example = message[start : message.index("\n\nor try")]
    assert decode(example.encode(), {})[1] == []


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """A missing file, or a directory, is one problem that names it."""
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(SettingsError) as caught:
            content(path)

        assert str(path) in str(caught.value)
        assert "cannot be read" in str(caught.value)


def test_the_environment_overrides_the_file():
    """QUARRY_PORT, QUARRY_REDIS_URL and QUARRY_DATABASE_URL win over what the file says, and keep the rest of it."""
    environ = {
        "QUARRY_PORT": "9001",
        "QUARRY_REDIS_URL": "redis://elsewhere",
        "QUARRY_DATABASE_URL": "sqlite:///other.db",
    }
    text = b"server: {port: 1, workers: 2}\nredis: {url: 'redis://here', on_failure: open}\n"

    settings, problems = decode(text, environ)

    assert problems == []
    assert settings.server.port == 9001
    assert settings.server.workers == 2
    assert settings.redis.url == "redis://elsewhere"
    assert settings.redis.on_failure == "open"
    assert settings.database.url == "sqlite:///other.db"


def test_an_override_makes_its_section():
    """A file without the section, or without anything, takes the override all the same."""
    settings, problems = decode(b"", {"QUARRY_REDIS_URL": "redis://cache"})

    assert problems == []
    assert settings.redis.url == "redis://cache"
    assert settings.database is None


def test_an_empty_override_is_none():
    """A variable set to nothing, as compose files do, overrides nothing."""
    assert decode(b"server: {port: 1}", {"QUARRY_PORT": ""})[0].server.port == 1


def test_a_bad_override_is_named():
    """The message names the variable and does not show its value."""
    _, problems = decode(b"", {"QUARRY_PORT": "qwertz", "QUARRY_REDIS_URL": "http://:hunter2@x"})

    assert [str(problem) for problem in problems] == [
        'server.port: must be a whole number from 0 to 65535, not "${QUARRY_PORT}"',
        'redis.url: must be a URL that begins with redis://, rediss:// or unix://, not "${QUARRY_REDIS_URL}"',
    ]


def test_the_file_wins_over_awss_own_region():
    """AWS_REGION, then AWS_DEFAULT_REGION, only fill what the file leaves open."""
    both = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}

    assert decode(b"aws: {region: us-east-1}", both)[0].aws.region == "us-east-1"
    assert decode(b"aws:", both)[0].aws.region == "eu-west-1"
    assert decode(b"", {"AWS_DEFAULT_REGION": "eu-west-2"})[0].aws.region == "eu-west-2"
    assert decode(b"", {})[0].aws.region is None
