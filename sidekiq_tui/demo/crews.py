"""The supervisor's side of the processes that work: which hosts share one, and what happens to them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sidekiq_tui.demo.crew import HANG, CrewOrders, Post
from sidekiq_tui.demo.plans import ServerPlan
from sidekiq_tui.demo.scenarios import RESTART, Fate

LOOK: Final = 1.0  # seconds between two looks whether a process has ended


@dataclass(frozen=True, slots=True)
class Roster:
    """Hosts that share a process of the system: (server, place among its processes)."""

    name: str
    hosts: tuple[tuple[str, int], ...]


def rosters(wanted: Sequence[ServerPlan]) -> Iterator[Roster]:
    """One for the first server, one for each of its hosts that something happens to, and one for all other servers.

    A process costs some 35 MB: from three on, the other servers go with the first.
    """
    first = wanted[0]
    alone = [at for at, process in enumerate(first.processes) if process.host in first.scenario.alone]
    together = tuple((first.name, at) for at in range(len(first.processes)) if at not in alone)
    others = tuple((plan.name, at) for plan in wanted[1:] for at in range(len(plan.processes)))
    if others and len(alone) < 2:
        yield Roster(first.name, together)
        yield Roster("others", others)
    else:
        yield Roster(first.name, together + others)
    for at in alone:
        yield Roster(first.processes[at].host, ((first.name, at),))


class Crew:
    """One process that works."""

    def __init__(self, roster: Roster, folder: Path, *, restarts: bool) -> None:
        self.roster = roster
        self._folder = folder
        self._restarts = restarts
        self._orders: CrewOrders | None = None
        self._changed: Callable[[], None] = lambda: None
        self._process = self._started()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def begin(self, orders: CrewOrders) -> None:
        """Tell it where to work."""
        self._orders = orders
        self._say(orders.line())

    def suffer(self, what: str) -> None:
        """Make it hang, or kill it."""
        if what == "hang":
            self._say(HANG)
        else:
            self._process.kill()

    def come_back(self) -> None:
        """Start anew, after whatever has happened."""
        assert self._orders is not None
        self.end()
        self._process = self._started()
        self._changed()
        self.begin(replace(self._orders, again=True))

    async def keep(self, fates: Sequence[Fate], changed: Callable[[], None]) -> None:
        """Let happen what must, and bring it back when it has ended otherwise, if anybody does.

        `changed` is called when it has got another pid.
        """
        assert self._orders is not None
        self._changed = changed
        began = self._orders.began
        coming = sorted((fate for fate in fates if fate.host == self.roster.name), key=lambda fate: fate.at)
        for fate in coming:
            await self._watch(began + fate.at)
            self.suffer(fate.what)
            if fate.back is None:
                return
            await asyncio.sleep(fate.back)
            self.come_back()
        await self._watch(None)

    async def _watch(self, until: float | None) -> None:
        while until is None or time.time() < until:
            await asyncio.sleep(LOOK if until is None else min(LOOK, max(0.01, until - time.time())))
            if self._process.poll() is not None and self._restarts:
                await asyncio.sleep(RESTART)
                self.come_back()

    def end(self) -> None:
        """End it at once; nothing that it does outlives the demo."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: `keep` sees to that
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _started(self) -> subprocess.Popen[bytes]:
        log = self._folder / f"crew-{self.roster.name}.log"
        return subprocess.Popen(
            [sys.executable, "-m", "sidekiq_tui.demo.crew", str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def orders_for(
    roster: Roster, posts: Sequence[Post], *, seed: str, servers: int, scenario: str, began: float
) -> CrewOrders:
    """What a crew is told. `posts`: how each server is reached, with no hosts yet."""
    mine = tuple(
        replace(post, hosts=hosts)
        for post in posts
        if (hosts := tuple(at for server, at in roster.hosts if server == post.server))
    )
    return CrewOrders(seed, servers, scenario, began, mine)
