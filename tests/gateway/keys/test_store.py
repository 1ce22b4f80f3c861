"""Keys of a configuration: what they become, and what two of them may not share."""

from gateway.keys.model import Key
from gateway.keys.secrets import digest
from gateway.keys.store import keys, unmatched
from gateway.settings import Key as KeyEntry

ONE, TWO = digest("one"), digest("two")


def entry(name="a", digits=ONE, **fields):
    return KeyEntry(name=name, hash=f"sha256:{digits}", **fields)


def test_an_entry_becomes_a_key():
    """Every field arrives; the hash as bare lower-case digits."""
    made, problems = keys([entry(digits=ONE.upper(), id="abc", owner="team", models=("x-*",), scopes=("metrics", "admin"))])

    assert problems == []
    assert made == (Key(id="abc", name="a", owner="team", hash=ONE, models=("x-*",), scopes=frozenset({"metrics", "admin"})),)


def test_a_key_made_elsewhere_is_called_by_its_hash():
    """Without an id it is the first 12 digits of the hash."""
    (key,), _ = keys([entry()])

    assert key.id == ONE[:12]
    assert key.models == ("*",)
    assert key.scopes == {"invoke"}


def test_names_hashes_and_ids_are_nobody_elses():
    """Whatever two keys share is a problem at the later one."""
    _, problems = keys([entry(id="x"), entry(digits=TWO, id="x"), entry("b", id="y")])

    assert [str(problem) for problem in problems] == [
        'keys[1].name: keys[0] has the name "a" already; each key needs its own',
        "keys[2].hash: keys[0] has the same hash already; each key needs its own",
        'keys[1].id: keys[0] has the id "x" already; each key needs its own',
    ]


def test_a_glob_that_covers_nothing_is_told():
    """Probably a slip of the pen, perhaps an alias to come: a warning, not a problem."""
    made, _ = keys([entry(models=("*", "support-*", "suport-*"))])

    assert unmatched(made, {"support-haiku"}) == ['keys[0].models[2]: "suport-*" covers no alias.']
