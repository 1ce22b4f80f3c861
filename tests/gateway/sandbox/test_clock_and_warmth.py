"""The sandbox's clock and the warmth of imported models, on a time that the test gives."""

import pytest

from gateway.sandbox.clock import Clock
from gateway.sandbox.warmth import Warmth


class Time:
    """A monotonic clock that stands still until it is told."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def clock(time):
    return Clock(wall=lambda: 1000.0, monotonic=time)


def test_clock_runs_with_real_time(time, clock):
    """One second is one second unless told."""
    time.seconds = 5

    assert clock.now() == 1005


def test_rate_counts_from_its_change(time, clock):
    """A new rate changes the future, never the past."""
    time.seconds = 10
    clock.run_at(3600)
    time.seconds = 11
    clock.run_at(0)
    time.seconds = 500

    assert clock.now() == 1000 + 10 + 3600


def test_advance_adds_to_the_rate(time, clock):
    """Pushed by an hour, it goes on from there."""
    clock.advance(3600)
    time.seconds = 1

    assert clock.now() == 4601


@pytest.mark.parametrize("change", [lambda clock: clock.advance(-1), lambda clock: clock.run_at(-1)])
def test_clock_refuses_to_go_back(clock, change):
    """Time that goes back would undo what was answered."""
    with pytest.raises(ValueError, match="only goes forward"):
        change(clock)


@pytest.fixture
def warmth(clock):
    return Warmth(clock, warm_after_seconds=30, idle_seconds=300)


def test_first_call_warms_and_later_calls_do_not_start_over(clock, warmth):
    """Restoration takes its time from the first call, however often it is asked for."""
    told = [warmth.admit("arn")]
    clock.advance(20)
    told.append(warmth.admit("arn"))
    clock.advance(10)
    told.append(warmth.admit("arn"))

    assert told == [False, False, True]


def test_looking_changes_nothing(warmth):
    """The state may be read without starting a restoration."""
    assert [warmth.state("arn"), warmth.state("arn")] == ["cold", "cold"]


def test_calls_keep_it_warm_and_silence_does_not(clock, warmth):
    """Five idle minutes count from the last call."""
    warmth.heat("arn")
    clock.advance(299)
    first = warmth.admit("arn")
    clock.advance(299)
    second = warmth.state("arn")
    clock.advance(2)

    assert (first, second, warmth.state("arn")) == (True, "warm", "cold")


def test_restored_and_never_called_it_grows_cold_again(clock, warmth):
    """Idle time counts from the end of the restoration when nobody came back."""
    warmth.admit("arn")
    clock.advance(30)
    ready = warmth.state("arn")
    clock.advance(301)

    assert (ready, warmth.state("arn")) == ("warm", "cold")
