"""The task that keeps looking at one server and tells what it sees. Servers never wait for each other."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Final

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers.health import Health, assess, assess_loss, assess_waiting
from sidekiq_tui.servers.series import MAX_QUEUES, Metric, RateMeter, Rates, Series
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, Forbidden, ReplyError, SidekiqError
from sidekiq_tui.sidekiq.overview import Overview

Listener = Callable[[ServerSnapshot], None]

OUT_OF_VIEW: Final = 3.0
"""A server that is not looked at is polled so many times more slowly."""
COST_SHARE: Final = 0.05
"""A poll takes at most this share of the time, so slow answers are asked for less often."""
MAX_INTERVAL: Final = 30.0
"""Seconds, however slow the answers are; a longer `poll_interval` is still kept."""
JITTER: Final = 0.1
"""Polls of many servers, and of many sqtui, do not fall into step."""
FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 15.0
LONGEST_RETRY_OUT_OF_VIEW: Final = 30.0
"""Seconds between tries of a server that is gone: doubling from the first to the longest."""
SLOW_PROBE: Final = 60.0
PROBE_AFTER: Final = 40
"""After so many tries it is looked for once a minute only."""
REFUSED_RETRY: Final = 60.0
"""Seconds before a refused password is tried again: servers lock users out, helpers open dialogs."""


class Poller:
    """Polls one server from `start` to `stop`; calls `publish` in the event loop with each new snapshot."""

    def __init__(self, server: Server, publish: Listener, *, clock: Callable[[], float] = time.time) -> None:
        self.server = server
        self._publish_to = publish
        self._clock = clock
        self._series = Series()
        self._meter = RateMeter()
        self._rtts: deque[float] = deque(maxlen=3)
        self._cost = 0.0
        self._delay = 0.0
        self._attempt = 0
        self._in_view = True
        self._paused = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.snapshot = ServerSnapshot(
            server=server.name,
            profile=server.profile,
            health=Health("connecting"),
            state_since=clock(),
            series=self._series.view,
            interval=self.interval,
        )

    @property
    def interval(self) -> float:
        """Seconds between polls now: as configured in view, slower out of view or where answers are slow."""
        wanted = self.server.profile.poll_interval * (1.0 if self._in_view else OUT_OF_VIEW)
        return max(wanted, min(self._cost / COST_SHARE, MAX_INTERVAL))

    def start(self) -> None:
        """Begins to poll, at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"poll {self.server.name}")

    async def stop(self) -> None:
        """Ends the task and closes the connections, without waiting for an answer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.server.close()

    def set_in_view(self, in_view: bool) -> None:
        """A server that comes into view is polled at once if its data is older than the interval there."""
        came = in_view and not self._in_view
        self._in_view = in_view
        age = self.snapshot.age(self._clock())
        if came and not self._paused and (age is None or age > self.interval):
            self._wake.set()

    def refresh(self) -> None:
        """Polls now, whatever the wait; a password may be asked for again."""
        self.server.ask_again()
        self._wake.set()

    def pause(self) -> None:
        """No polls until `resume`; a poll under way still ends."""
        self._paused = True

    def resume(self) -> None:
        """Polls at once, and goes on."""
        if self._paused:
            self._paused = False
            self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self._poll()
            await self._rest()

    async def _poll(self) -> None:
        """One read. While it lasts longer than usual, a snapshot says so: the data on screen grows old."""
        asked_at = self._clock()
        reading = asyncio.create_task(self.server.overview(asked_at), name=f"read {self.server.name}")
        try:
            done, _ = await asyncio.wait({reading}, timeout=2 * self.interval)
            if not done and self.snapshot.overview is not None and self.snapshot.error is None:
                self._publish(health=assess_waiting(self._clock() - asked_at))
            self._got(await reading)
        except SidekiqError as error:
            self._lost(error)
        except Exception as error:  # a mistake of ours on one server's data must not end its poll, or the others'
            self._lost(ReplyError(f"its answer could not be read ({type(error).__name__}): a mistake in sqtui"))
        finally:
            if not reading.done():
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError, SidekiqError, OSError):
                    await reading

    def _got(self, overview: Overview) -> None:
        at = overview.read_at
        self._attempt = 0
        self._rtts.append(overview.rtt)
        self._cost = min(self._rtts)  # the others may have waited for polls of other servers, as all do at the start
        interval = self.interval
        self._delay = interval * random.uniform(1 - JITTER, 1 + JITTER)
        self._meter.add(at, overview.processed, overview.failed)
        rates = self._meter.rates()
        self._series.hold = 3 * interval
        record(self._series, overview, rates)
        health = assess(
            overview, self.server.profile, self._clock(), recent=self._meter.recent(), rtt=median(self._rtts)
        )
        self._publish(
            health=health, taken_at=at, overview=overview, rates=rates, error=None, attempt=0, next_try_at=None,
            interval=interval,
        )  # fmt: skip

    def _lost(self, error: SidekiqError) -> None:
        """Keeps the last data. What waited for counters to move starts afresh."""
        self._attempt += 1
        self._rtts.clear()
        self._meter.clear()
        self._delay = self._retry_delay(error)
        self._publish(
            health=assess_loss(error, self._attempt, self.server.profile.endpoint),
            rates=None,
            error=error,
            attempt=self._attempt,
            next_try_at=self._clock() + self._delay,
        )

    def _publish(self, *, health: Health, **changes: Any) -> None:
        since = self.snapshot.state_since if health.state == self.snapshot.health.state else self._clock()
        self.snapshot = replace(self.snapshot, health=health, state_since=since, **changes)
        self._publish_to(self.snapshot)

    async def _rest(self) -> None:
        """Waits until the next poll is due, or something asks for it."""
        due: float | None = self._delay
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(due):
                    await self._wake.wait()
            if self._wake.is_set() or not self._paused:
                return
            due = None

    def _retry_delay(self, error: SidekiqError) -> float:
        if isinstance(error, AuthenticationFailed | SecretError | Forbidden):
            return REFUSED_RETRY
        spread = random.uniform(0.7, 1.0)
        if self._attempt >= PROBE_AFTER:
            return SLOW_PROBE * spread
        longest = LONGEST_RETRY if self._in_view else LONGEST_RETRY_OUT_OF_VIEW
        return min(longest, FIRST_RETRY * 2.0 ** min(self._attempt - 1, 10)) * spread


def record(series: Series, overview: Overview, rates: Rates | None) -> None:
    """Adds one overview to the histories; what is not known leaves a hole."""
    at = overview.read_at
    worst = overview.worst_queue
    readings: tuple[tuple[Metric, float | None], ...] = (
        ("processed", rates.processed if rates else None),
        ("failed", rates.failed if rates else None),
        ("enqueued", overview.enqueued),
        ("busy", overview.busy),
        ("latency", worst.latency if worst else None if overview.enqueued is None else 0.0),
        ("retries", overview.retries),
        ("scheduled", overview.scheduled),
        ("dead", overview.dead),
        ("rtt", overview.rtt),
    )
    for metric, value in readings:
        series.add(at, metric, value)
    queues = overview.queues
    if len(queues) > MAX_QUEUES:
        queues = tuple(heapq.nlargest(MAX_QUEUES, queues, key=lambda queue: queue.size or 0))
    series.add_queues(at, ((queue.name, queue.size, queue.latency) for queue in queues))
