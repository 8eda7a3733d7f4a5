"""One operation, and its way back, over a link that fails where a test says; then everything once more."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidekiq_tui.operations.catalog import Undo
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.servers.profile import Secret
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.operation_record import prune
from tests.faults.operations.deeds import Deed
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import Operator
from tests.support.proof import Snapshot, check, check_sum, immortal, open_records, payloads, sidekiqs, snapshot, strays

ALL: Final = bool(os.environ.get("SQTUI_ALL_FAULTS"))
"""Every fault at every command, and a kill at each: for hours, not for each change."""
RIGHTS: Final = {
    "A": "~* +@all",
    "B": "~retry ~schedule ~dead ~queue:* ~queues ~processes ~host:* ~stat:* ~paused ~*-signals ~it-* ~profiles ~tok-* "
    "+@all",
    "C": "~* +@all -eval -evalsha -eval_ro",
}
FAULTS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "A": (Fault.LOSE, Fault.HOLD, Fault.DROP, Fault.TEAR, Fault.HOLE),
    "B": (Fault.LOSE, Fault.HOLD, Fault.DROP, Fault.TEAR, Fault.HOLE),
    "C": (Fault.LOSE, Fault.STALL, Fault.DROP, Fault.TEAR, Fault.HOLE),
}
RENEWED: Final = 40.0
"""Seconds for which a clock may stand still: one that differs by a minute from the server's is refused."""
TIMEOUT: Final = 0.5
SETTLE: Final = 0.3
"""Seconds that mode B waits here for what may still arrive."""


@dataclass
class Stage:
    """One server for many runs, each on an empty database."""

    raw: Any
    socket: Path
    folder: Path
    mode: str
    number: int = 0
    now: float = 0.0
    commands: list[tuple[bytes, ...]] = field(default_factory=list)

    async def ready(self) -> None:
        """The user of this mode."""
        self.now = time.time()
        await self.raw.execute_command(
            "ACL", "SETUSER", "ops", "reset", "on", ">secret", "resetchannels", *RIGHTS[self.mode].split()
        )

    async def fresh(self, deed: Deed) -> Snapshot:
        """An empty server with what the operation is for."""
        await self.raw.flushall()
        self.number += 1
        self.commands = []
        await deed.fill(self.raw)
        return await snapshot(self.raw)

    @asynccontextmanager
    async def person(self, url: str, *, timeout: float | None = None) -> AsyncIterator[Operator]:
        """Somebody at this server, whose clock stands still."""
        now = self.now
        operator = Operator(url, self.folder / f"home{self.number}", timeout=timeout, clock=lambda: now)
        operator.change(username="ops", password=Secret("secret"))
        try:
            yield operator
        finally:
            await operator.close()

    @asynccontextmanager
    async def link(self, faults: Mapping[int, Fault]) -> AsyncIterator[FaultLink]:
        """The way there. In mode B what is held arrives before nobody reckons with it any more."""
        folder = self.folder / f"l{self.number}"
        folder.mkdir(exist_ok=True)
        async with FaultLink(str(self.socket), folder, faults) as link:
            task = asyncio.create_task(_release_soon(link)) if self.mode == "B" else None
            try:
                yield link
                self.commands += link.seen
            finally:
                if task is not None:
                    task.cancel()

    @contextmanager
    def told(self, *about: object) -> Iterator[None]:
        """A failure says at which point it was."""
        try:
            yield
        except (AssertionError, SidekiqError) as failure:
            failure.add_note(f"in mode {self.mode}: {about}")
            raise

    async def replay(self, link: FaultLink) -> None:
        """Everything that was ever sent arrives again, in its order and in another one: nothing changes (I9)."""
        if self.mode != "A":
            return
        was = await snapshot(self.raw)
        for command in [*self.commands, *random.Random(self.number).sample(self.commands, len(self.commands))]:
            await link.deliver(command)
        assert sidekiqs(await snapshot(self.raw)) == sidekiqs(was)


async def _release_soon(link: FaultLink) -> None:
    while True:
        await asyncio.sleep(SETTLE / 4)
        await link.release()


async def carried_out(operator: Operator, operation: Any) -> Outcome:
    """From plan to outcome; a plan that could not be made is made once more."""
    try:
        return await operator.do(operation)
    except SidekiqError:
        return await operator.do(operation)


async def faultless(stage: Stage, deed: Deed) -> tuple[Snapshot, int, int]:
    """What it comes to when nothing goes wrong; how many commands it takes, and its way back."""
    before = await stage.fresh(deed)
    async with stage.link({}) as link, stage.person(link.url) as anna:
        outcome = await anna.do(deed.operation)
        assert outcome.ending == "done", outcome
        ideal = await snapshot(stage.raw)
        if not deed.ordered:
            check(before, ideal, ideal, outcome)
        there = len(link.seen)
        if outcome.undo_id is None:
            return ideal, there, 0
    async with stage.link({}) as link, stage.person(link.url) as anna:
        undone = await anna.undo(outcome)
        await check_undone(stage, deed, before, undone, outcome)
        return ideal, there, len(link.seen)


async def there_and_back(stage: Stage, deed: Deed, ideal: Snapshot, faults: Mapping[int, Fault]) -> None:
    """The operation with these faults; what is true of it; and its way back without any."""
    before = await stage.fresh(deed)
    timeout = TIMEOUT if Fault.HOLE in faults.values() else None
    async with stage.link(faults) as link:
        async with stage.person(link.url, timeout=timeout) as anna:
            outcome = await asyncio.wait_for(carried_out(anna, deed.operation), 60)
        await link.release()
        assert dict(link.happened) == dict(faults)
        after = await snapshot(stage.raw)
        unknown = stage.mode == "B"
        if deed.ordered:
            assert sidekiqs(after) == sidekiqs(ideal) or unknown
            assert payloads(after, ours=False) == payloads(before, ours=False)
        else:
            check(before, after, ideal, outcome, unknown=unknown)
        assert outcome.ending == "done" or unknown, outcome
        if deed.sums and outcome.undo_id is not None and stage.mode != "B":
            check_sum(before, after)
        await check_tidy(stage)
        await stage.replay(link)
        if outcome.undo_id is None:
            return
        async with stage.person(f"unix://{stage.socket}?db=0") as anna:
            if outcome.tally.unknown:
                await anna.operations.leave("prod", outcome.id)
            undone = await anna.undo(outcome)
        await check_undone(stage, deed, before, undone, outcome)
        await stage.replay(link)


async def back_again(stage: Stage, deed: Deed, faults: Mapping[int, Fault]) -> None:
    """The operation, and its way back with these faults."""
    before = await stage.fresh(deed)
    timeout = TIMEOUT if Fault.HOLE in faults.values() else None
    async with stage.link({}) as link, stage.person(link.url) as anna:
        outcome = await anna.do(deed.operation)
        assert outcome.ending == "done"
    was = await snapshot(stage.raw)
    async with stage.link(faults) as link:
        async with stage.person(link.url, timeout=timeout) as anna:
            undone = await asyncio.wait_for(carried_out(anna, Undo(operation=outcome.id)), 60)
        await link.release()
        assert dict(link.happened) == dict(faults)
        if stage.mode == "B":
            check(was, await snapshot(stage.raw), before, undone, unknown=True)
        else:
            await check_undone(stage, deed, before, undone, outcome)
        await stage.replay(link)


async def check_undone(stage: Stage, deed: Deed, before: Snapshot, undone: Outcome, outcome: Outcome) -> None:
    """All is as it was, as far as that is promised."""
    after = await snapshot(stage.raw)
    assert undone.ending == "done", undone
    assert undone.tally.done == outcome.tally.done, (undone, outcome)
    if outcome.tally.unknown:
        return
    if deed.back == "exact":
        assert sidekiqs(after) == sidekiqs(before)
    else:
        assert payloads(after, ours=False) == payloads(before, ours=False)
    assert payloads(after, ours=True) == {}
    await check_tidy(stage)


async def check_tidy(stage: Stage) -> None:
    """Nothing of ours is there that nobody would ever find or free."""
    await prune(Database(stage.raw), stage.now)  # as the next operation does
    found = await snapshot(stage.raw)
    assert strays(found) == []
    assert open_records(found) == []
    assert await immortal(stage.raw, found) == []
    if stage.mode == "B":
        assert not [name for name in found if name.startswith("sqtui:")]


def points(count: int, mode: str, salt: int, few: int) -> Iterator[dict[int, Fault]]:
    """Where what goes wrong: everything everywhere, or a `few` commands spread over all, each with another fault.

    Without scripts, where a batch is dozens of commands, everything is one fault at each.
    """
    faults = FAULTS[mode]
    for number in range(1, count + 1):
        if ALL and mode != "C":
            yield from ({number: fault} for fault in faults)
        elif ALL:
            yield {number: faults[(number + salt) % len(faults)]}
    if not ALL and count:
        step = max(1, count // few)
        for at, number in enumerate(range(1 + salt % step, count + 1, step)):
            yield {number: faults[(at + salt) % len(faults)]}
