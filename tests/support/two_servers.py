"""Two servers between which jobs go, either of which may die, forget, fall back or refuse at a chosen step."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import redis
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import ReturnStaged
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.sidekiq.scripts import script
from tests.support.carrying import SOURCE, TARGET, Carrier, payloads
from tests.support.fault_link import Command, FaultLink

Side = Literal["source", "target"]
STEPS: Final = ("begin", "take", "put", "ack", "give_back", "end_transfer", "finish", "close")
ALWAYS: Final = ("appendonly yes", "appendfsync always")
EVERY_SECOND: Final = ("appendonly yes", "appendfsync everysec")
_BY_TEXT: Final = {
    key: name
    for name in STEPS
    for drain in ((False, True) if name == "take" else (False,))
    for text in [script(name, drain=drain)]
    for key in (text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())
}


def step_of(command: Command) -> str:
    """Which step of a move a command is; empty when it is none."""
    return _BY_TEXT.get(command[1], "") if len(command) > 1 else ""


@dataclass
class Box:
    """A server in a folder of its own, which outlives its processes."""

    folder: Path
    config: Sequence[str] = ()
    port: int | None = None
    server: EmbeddedRedis = field(init=False)

    def __post_init__(self) -> None:
        self.server = EmbeddedRedis.start(self.folder, config=self.config, tcp_port=self.port)
        self.socket = self.server.socket

    def kill(self) -> None:
        """As the lack of memory does it."""
        self.server.process.kill()
        self.server.process.wait()
        self.server.socket.unlink(missing_ok=True)

    def restart(self) -> None:
        """Kills it; it comes up again with what is on its disk."""
        self.kill()
        self.server = EmbeddedRedis.start(self.folder, config=self.config, tcp_port=self.port)

    def client(self) -> redis.Redis:
        """For the moment between two commands."""
        return redis.Redis(unix_socket_path=str(self.socket), protocol=2)

    def saved(self) -> Path:
        """A copy of all that is on its disk."""
        kept = self.folder.with_name(f"{self.folder.name}-saved")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept, ignore=shutil.ignore_patterns("*.sock", "*.log"))
        return kept

    def restored(self) -> None:
        """Comes up with what was on its disk when it was saved."""
        self.kill()
        kept = self.folder.with_name(f"{self.folder.name}-saved")
        for one in self.folder.iterdir():
            if one.is_dir():
                shutil.rmtree(one)
            elif one.suffix != ".log":
                one.unlink()
        shutil.copytree(kept, self.folder, dirs_exist_ok=True)
        self.server = EmbeddedRedis.start(self.folder, config=self.config, tcp_port=self.port)


class Trouble:
    """Calls something once, from the link, just before the n-th command of a step arrives."""

    def __init__(self, step: str, turn: int, what: Callable[[], Any]) -> None:
        self.step, self.left, self.what = step, turn, what
        self.came = False

    def __call__(self, number: int, command: Command) -> None:
        """Counts one command."""
        if step_of(command) != self.step or self.left == 0:
            return
        self.left -= 1
        if self.left == 0:
            self.came = True
            self.what()


class Pair:
    """Two boxes, a faulty link to each, and people who move jobs from one to the other."""

    def __init__(self, folder: Path, *, source: Sequence[str] = (), target: Sequence[str] = ()) -> None:
        self.folder = folder
        self.boxes: dict[Side, Box] = {"source": Box(folder / "s", source), "target": Box(folder / "t", target)}
        self.links: dict[Side, FaultLink] = {}
        for side, box in self.boxes.items():
            (folder / f"l{side[0]}").mkdir()
            self.links[side] = FaultLink(str(box.socket), folder / f"l{side[0]}")
        self.carriers: list[Carrier] = []
        self.spare: list[Box] = []

    async def __aenter__(self) -> Pair:
        for link in self.links.values():
            await link.__aenter__()
        return self

    async def __aexit__(self, *about: Any) -> None:
        for carrier in self.carriers:
            await carrier.close()
        for link in self.links.values():
            await link.__aexit__(None, None, None)
        for box in (*self.boxes.values(), *self.spare):
            box.server.stop()

    def carrier(self, home: str = "state", **options: Any) -> Carrier:
        """Somebody whose every command passes the links."""
        source, target = (self.links[side].url for side in ("source", "target"))
        carrier = Carrier(source, target, self.folder / home, timeout=options.pop("timeout", 2.0), **options)
        self.carriers.append(carrier)
        return carrier

    def raw(self, side: Side) -> Any:
        """An unrestricted client to where that server is now."""
        return redis.asyncio.Redis(unix_socket_path=self.links[side].target, protocol=2, legacy_responses=False)

    def heal(self) -> None:
        """No more trouble comes."""
        for link in self.links.values():
            link.on_command, link.faults = None, {}

    async def found(self) -> Found:
        """Where every job is."""
        sides = []
        for side in ("source", "target"):
            raw = self.raw(side)
            parked: Counter[bytes] = Counter()
            for key in await raw.keys("sqtui:stage:*"):
                queue = await raw.type(key) == b"list"
                parked.update(await (raw.lrange if queue else raw.zrange)(key, 0, -1))
            sides.append((await payloads(raw), parked))
            await raw.aclose()
        assert not sides[1][1]
        return Found(sides[0][0], sides[1][0], sides[0][1])


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs by their bytes: on the source and the target where workers see them, and parked on the source."""

    source: Counter[bytes]
    target: Counter[bytes]
    parked: Counter[bytes]

    def lost(self, jobs: Sequence[bytes]) -> Counter[bytes]:
        """Those that are nowhere."""
        return Counter(jobs) - self.source - self.target - self.parked

    @property
    def twice(self) -> Counter[bytes]:
        """Those that both servers run."""
        return self.source & self.target


async def told(pair: Pair, carrier: Carrier, id: str, outcome: Outcome, jobs: Sequence[bytes]) -> Found:
    """Nothing is silent: what is lost or doubled is told by the outcome and listed, each job. What there is."""
    found = await pair.found()
    lost, twice = found.lost(jobs), found.twice
    if not lost and not twice:
        return found
    assert outcome.ending in ("failed", "unknown"), outcome
    back = await patiently(lambda: carrier.operations.setback(SOURCE, id))
    assert back is not None, (len(lost), len(twice), outcome)
    assert back.side == ("target" if lost else "source")
    listed = Counter(entry.old for entry in back.entries)
    assert listed == (lost or twice), (len(listed), len(lost), len(twice))
    assert back.count >= listed.total()
    return found


async def ended(carrier: Carrier, id: str) -> list[str]:
    """Brings what is parked to its end, or puts it back where the target knows nothing any more; what was said."""
    said = []
    for left in await patiently(lambda: carrier.operations.unfinished(SOURCE)):
        plan = await patiently(partial(carrier.operations.resume, SOURCE, left.id))
        if plan.refused:
            said.append(plan.refused)
            if plan.refused.startswith(SOURCE):
                said.append(await carrier.operations.leave(SOURCE, left.id))
                continue
            plan = await carrier.plan(ReturnStaged(operation=id, force=True))
        outcome = await carrier.start(plan).wait()
        assert outcome.ending == "done", outcome
        said.append(outcome.words)
    return said


__all__ = ["ALWAYS", "EVERY_SECOND", "SOURCE", "STEPS", "TARGET", "Box", "Found", "Pair", "Side", "Trouble"]
