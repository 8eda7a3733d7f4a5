"""How fast batches follow one another: the server rests at least as long as it works for us."""

from __future__ import annotations

import pytest

from sidekiq_tui.operations.pace import CALL, ENTRY, MOST, TICK, Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(pace: Pace, clock: Clock, calls: int, *, work: float, way: float = 0.0, oversleep: float = 0.0) -> float:
    """Seconds that some calls take: each rests as told, then waits `way` seconds beside the server's `work`."""
    began = clock.now
    for _ in range(calls):
        if rest := pace.rest:
            clock.now += rest + oversleep
        clock.now += way + work
        pace.answered(way + work)
        pace.called(round(work / ENTRY))
    return clock.now - began


@pytest.mark.parametrize("way", [0.0, 0.0004, 0.003, 0.3])
def test_the_server_rests_as_long_as_it_works(way: float) -> None:
    clock = Clock()
    spent = run(Pace(clock=clock), clock, 100, work=CALL, way=way)
    assert spent >= 100 * 2 * CALL - 2 * CALL - TICK
    assert spent <= 100 * max(2 * CALL, CALL + way) + TICK  # what passes on the way is rest for it, too


def test_what_is_slept_too_long_is_made_up_for() -> None:
    clock = Clock()
    assert run(Pace(clock=clock), clock, 100, work=CALL, oversleep=0.0006) <= 100 * 2 * CALL + TICK


def test_time_that_was_lost_long_ago_is_not() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    run(pace, clock, 3, work=CALL)
    clock.now += 60  # a pause
    assert run(pace, clock, 100, work=CALL) >= 100 * 2 * CALL - 2 * CALL - TICK


def test_a_rate_is_kept() -> None:
    clock = Clock()
    pace = Pace(50, clock)
    began = clock.now
    for _ in range(20):
        clock.now += pace.rest + 0.001
        pace.answered(0.001)
        pace.called(pace.entries)
    assert clock.now - began >= 19 * pace.entries / 50


def test_calls_have_fewer_entries_where_the_server_says_that_each_takes_long() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    assert pace.entries == int(CALL / ENTRY) <= MOST
    pace.served(1_000_000)
    pace.called(100)
    clock.now += 1
    pace.served(1_000_000 + 100 * 50)  # 50 µs each
    assert pace.entries == 40
