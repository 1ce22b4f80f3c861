"""``quarry keys create``: a secret once, a hash, and an entry that works as it is pasted."""

import json
import re
import textwrap

import pytest
import yaml
from click.testing import CliRunner

from gateway.cli import main
from gateway.configuration import check
from gateway.keys.secrets import digest
from gateway.keys.sigv4 import secret_access_key
from gateway.settings import decode

SECRET = re.compile(r"qk_[0-9a-z]{12}_[0-9A-Za-z]{43}")


def create(*arguments):
    return CliRunner().invoke(main, ["keys", "create", *arguments])


def test_json_is_for_programs():
    """``--json`` prints one object with id, name, secret and hash, and nothing else."""
    made = json.loads(create("--name", "search", "--json").output)

    assert list(made) == ["id", "name", "secret", "hash"]
    assert made["name"] == "search"
    assert made["hash"] == f"sha256:{digest(made['secret'])}"
    assert made["secret"].split("_")[1] == made["id"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--name", "search"], {"name": "search"}),
        (
            [
                "--name",
                "search",
                "--owner",
                "team",
                "--models",
                "a-*",
                "--models",
                "b",
                "--scope",
                "metrics",
                "--scope",
                "invoke",
            ],
            {"name": "search", "owner": "team", "models": ("a-*", "b"), "scopes": ("metrics", "invoke")},
        ),
        (["--name", 'no: "x" # ${HOME}', "--owner", "no"], {"name": 'no: "x" # ${HOME}', "owner": "no"}),
        (["--name", "größe", "--scope", "invoke"], {"name": "größe", "scopes": ("invoke",)}),
    ],
    ids=["defaults", "everything", "hostile to YAML", "not ASCII"],
)
def test_the_entry_works_as_it_is_pasted(arguments, expected):
    """The printed entry below ``keys:`` is the key that was asked for, and its secret opens it."""
    output = create(*arguments).output
    entry = textwrap.dedent(output[output.index("  - name") :])

    settings, problems = decode(f"keys:\n{textwrap.indent(entry, '  ')}".encode(), {})

    assert problems == []
    (key,) = check(settings, name="pasted").keys
    assert key.hash == digest(SECRET.search(output)[0])
    assert key.id == SECRET.search(output)[0].split("_")[1]
    assert {field: getattr(settings.keys[0], field) for field in expected} == expected


def test_the_secret_is_shown_once():
    """The text that a person reads holds the secret in one place only."""
    output = create("--name", "search").output

    assert len(SECRET.findall(output)) == 1


def test_a_name_is_needed():
    """Without a name, or with a blank one, nothing is made."""
    for arguments in ((), ("--name", " ")):
        result = create(*arguments)

        assert result.exit_code == 2
        assert not SECRET.search(result.output)
        assert "--name" in result.output


def test_an_unknown_scope_is_wrong_use():
    """Scopes are a closed set, and the message lists it."""
    result = create("--name", "x", "--scope", "root")

    assert result.exit_code == 2
    assert "admin:read" in result.output


@pytest.fixture
def peppered(tmp_path):
    """A configuration whose pepper comes from the environment."""
    file = tmp_path / "quarry.yaml"
    file.write_text("server: {sigv4_pepper: '${PEPPER}'}\n")
    return file


PEPPER = "0123456789abcdef" * 4


def test_a_pair_is_derived_from_the_pepper(peppered, monkeypatch):
    """``--sigv4`` prints the pair that the gateway will derive: its public half holds the key's id, and the entry allows it."""
    monkeypatch.setenv("PEPPER", PEPPER)
    made = json.loads(create("--name", "search", "--sigv4", "--config", str(peppered), "--json").output)
    text = create("--name", "search", "--sigv4", "--config", str(peppered)).output

    assert made["aws_access_key_id"] == f"qk_{made['id']}"
    assert made["aws_secret_access_key"] == secret_access_key(PEPPER, made["id"])
    (entry,) = yaml.safe_load(text[text.index("  - name") :])
    assert entry["sigv4"] is True
    assert f"AWS_ACCESS_KEY_ID=qk_{entry['id']}\n" in text
    assert f"AWS_SECRET_ACCESS_KEY={secret_access_key(PEPPER, entry['id'])}\n" in text
    assert PEPPER not in text


def test_a_pair_needs_a_pepper(tmp_path):
    """Without one nothing is made, and the message says how to get one."""
    file = tmp_path / "quarry.yaml"
    file.write_text("{}\n")
    result = create("--name", "search", "--sigv4", "--config", str(file))

    assert result.exit_code == 1
    assert "openssl rand -hex 32" in result.output
    assert not SECRET.search(result.output)
