"""The tail buffer against ``str.find`` over the whole text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.prompts.stop import StopBuffer

# Few letters, so that stop strings meet, overlap and nearly meet in most examples.
LETTERS = st.text("ab\n", min_size=1, max_size=5)
CHUNKS = st.lists(st.text("ab\nc", max_size=4), max_size=12)


def run(stops: list[str], chunks: list[str]) -> tuple[list[str], bool]:
    """What was shown after each chunk, and at the end; whether a stop string was met."""
    buffer = StopBuffer(stops)
    shown: list[str] = []
    for chunk in chunks:
        emit, hit = buffer.push(chunk)
        shown.append(emit)
        if hit:
            return shown, True
    emit, hit = buffer.flush()
    return [*shown, emit], hit


def first_stop(text: str, stops: list[str]) -> int:
    """Where the answer ends, found the plain way."""
    return min((at for at in map(text.find, stops) if at != -1), default=len(text))


@given(stops=st.lists(LETTERS, min_size=1, max_size=4), chunks=CHUNKS)
def test_chunking_changes_nothing(stops, chunks):
    """However a text is cut into chunks, the answer ends where the first stop string begins."""
    text = "".join(chunks)
    end = first_stop(text, stops)

    shown, hit = run(stops, chunks)

    assert text[:end] == "".join(shown)
    assert hit is (end < len(text))


@given(stops=st.lists(LETTERS, min_size=1, max_size=4), chunks=CHUNKS)
def test_only_what_may_still_be_a_stop_is_held(stops, chunks):
    """After every chunk without a hit, what is held begins an unfinished stop string: nothing waits without need."""
    buffer = StopBuffer(stops)
    seen = shown = ""
    for chunk in chunks:
        emit, hit = buffer.push(chunk)
        if hit:
            return
        seen, shown = seen + chunk, shown + emit
        held = seen[len(shown) :]
        assert not held or any(stop.startswith(held) and stop != held for stop in stops)


@pytest.mark.parametrize(
    ("stops", "chunks", "shown"),
    [
        pytest.param(["\n\n###"], ["Answer", "\n", "\n##", "# more"], ["Answer", "", "", ""], id="split over chunks"),
        pytest.param(
            ["\n\n###"], ["Answer\n\n", "## no"], ["Answer", "\n\n## no", ""], id="released when it turns out otherwise"
        ),
        pytest.param(["END"], ["the EN"], ["the ", "EN"], id="released at the end"),
        pytest.param(["abcd", "bc"], ["xab", "c", "d"], ["x", "", ""], id="the one that begins first wins"),
        pytest.param(["abcd", "bc"], ["xab", "c", "e"], ["x", "", "a"], id="the later one, when the first does not complete"),
        pytest.param(["👂"], ["I hear 👂 you"], ["I hear "], id="beyond the basic plane"),
    ],
)
def test_text_leaves_as_early_as_it_can(stops, chunks, shown):
    """Text is shown at the first chunk that proves it to be no stop string."""
    assert shown == run(stops, chunks)[0]
