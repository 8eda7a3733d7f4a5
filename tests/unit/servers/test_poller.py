"""How long a poller waits: as configured, longer where answers are slow, ever longer where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidekiq_tui.servers import poller as subject
from sidekiq_tui.servers.poller import Poller
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, Forbidden, ServerTimeout, ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.overview import Overview
from tests.support.tui import make_overview

NOW = 1_700_000_000.0


class Answers(Server):
    """A server that answers as it is told."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self.answer: Overview | SidekiqError = ServerUnreachable("gone")

    async def overview(self, now: float | None = None) -> Overview:
        if isinstance(self.answer, SidekiqError):
            raise self.answer
        return self.answer


class Polled:
    """A poller that polls when the test says so."""

    def __init__(self) -> None:
        self.server = Answers(replace(Profile.from_url("redis://localhost"), poll_interval=2.0))
        self.poller = Poller(self.server, lambda snapshot: None, clock=lambda: NOW)

    async def poll(self, answer: Overview | SidekiqError) -> ServerSnapshot:
        self.server.answer = answer
        await self.poller._poll()
        return self.poller.snapshot

    async def wait_after(self, error: SidekiqError) -> float:
        """Seconds until the next try."""
        snapshot = await self.poll(error)
        assert snapshot.next_try_at is not None
        return snapshot.next_try_at - NOW


async def test_tries_of_a_lost_server_come_ever_more_slowly() -> None:
    polled = Polled()
    waits = [await polled.wait_after(ServerUnreachable("gone")) for _ in range(subject.PROBE_AFTER)]
    for number, full in enumerate((1.0, 2.0, 4.0, 8.0, 15.0, 15.0)):
        assert 0.7 * full <= waits[number] <= full
    assert all(wait <= 15.0 for wait in waits[:-1])
    assert 42.0 <= waits[-1] <= 60.0
    await polled.poll(make_overview())
    assert await polled.wait_after(ServerTimeout("slow")) <= 1.0


async def test_out_of_view_a_lost_server_is_tried_more_rarely() -> None:
    polled = Polled()
    polled.poller.set_in_view(False)
    waits = [await polled.wait_after(ServerUnreachable("gone")) for _ in range(8)]
    assert 21.0 <= waits[-1] <= 30.0


@pytest.mark.parametrize("error", [AuthenticationFailed("no"), Forbidden("no", command="GET")], ids=["login", "acl"])
async def test_a_refusal_is_not_tried_again_soon(error: SidekiqError) -> None:
    assert await Polled().wait_after(error) == subject.REFUSED_RETRY == 60.0


@pytest.mark.parametrize(
    ("rtt", "interval"), [(0.001, 2.0), (0.2, 4.0), (9.0, subject.MAX_INTERVAL)], ids=["quick", "slow", "very slow"]
)
async def test_a_poll_takes_a_small_share_of_the_time(rtt: float, interval: float) -> None:
    polled = Polled()
    assert (await polled.poll(replace(make_overview(), rtt=rtt))).interval == pytest.approx(interval)


async def test_one_slow_answer_among_quick_ones_changes_nothing() -> None:
    polled = Polled()
    for rtt in (0.001, 5.0, 0.001):
        snapshot = await polled.poll(replace(make_overview(), rtt=rtt))
    assert snapshot.interval == 2.0


async def test_many_servers_that_all_wait_for_each_other_at_the_start_are_soon_polled_as_usual() -> None:
    polled = Polled()
    assert (await polled.poll(replace(make_overview(), rtt=1.5))).interval == subject.MAX_INTERVAL
    assert (await polled.poll(replace(make_overview(), rtt=0.02))).interval == 2.0


async def test_a_mistake_in_judging_an_answer_does_not_end_the_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    polled = Polled()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("not for the screen")

    monkeypatch.setattr(subject, "assess", broken)
    snapshot = await polled.poll(make_overview())
    assert snapshot.error is not None
    assert snapshot.error.message == "its answer could not be read (ValueError): a mistake in sqtui"
    monkeypatch.undo()
    assert (await polled.poll(make_overview())).error is None
