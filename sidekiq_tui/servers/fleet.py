"""Several servers asked at once: what those answer that do, and which of the others do not, and why.

Nobody waits for a server that is gone or silent or talks nonsense: after a moment the answer comes without it. One that
was seen to answer, only later than that, is waited for from then on, but by those who are in a hurry.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ReplyError, ServerTimeout, SidekiqError

PATIENCE: Final = 1.0
"""Seconds that a read of all servers waits for each of them."""
SHORT_PATIENCE: Final = 0.1
"""Seconds after the others for one that was too late a moment ago."""
REMEMBERED: Final = 10.0
"""Seconds for which a server counts as one that was too late."""

T = TypeVar("T")
Read = Callable[[Server], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What servers said, and why others did not, both in the order of the fleet."""

    values: Mapping[str, T]
    missing: Mapping[str, SidekiqError]
    pending: frozenset[str] = frozenset()
    """Those of the missing ones that may still answer: a later read may have them."""

    @property
    def complete(self) -> bool:
        """Whether nobody is missing."""
        return not self.missing


@dataclass(slots=True)
class _Known:
    """How servers answered of late, by name; a fleet and its parts share it. Times are of the loop, in seconds."""

    late: dict[str, float] = field(default_factory=dict)
    """When they last did not answer in time."""
    slow: dict[str, float] = field(default_factory=dict)
    """How long the last answer took of those that do answer, but late."""
    owed: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    """Calls that nobody waits for any more. To cancel one would cost a slow server its connection, too."""


def no_trouble(name: str) -> SidekiqError | None:
    """Of no server is it known beforehand that it does not answer."""
    return None


class Fleet:
    """Servers of one scope: all, or a group. `trouble` says which are known not to answer: those are not asked."""

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        trouble: Callable[[str], SidekiqError | None] = no_trouble,
        patience: float = PATIENCE,
    ) -> None:
        self.servers: Final = {server.name: server for server in servers}
        self.patience: Final = patience
        self._trouble = trouble
        self._known = _Known()

    @property
    def names(self) -> tuple[str, ...]:
        """The servers, in the order given."""
        return tuple(self.servers)

    @property
    def behind(self) -> frozenset[str]:
        """The servers that who is in a hurry does without; none where there are no others."""
        known = self._known
        asked = [name for name in self.servers if self.trouble(name) is None]
        behind = frozenset(name for name in asked if name in known.slow or name in known.owed)
        return behind if len(behind) < len(asked) else frozenset()

    @property
    def _owing(self) -> frozenset[str]:
        """Those of which nothing is known yet but that they are late: until they answer, to ask again is in vain."""
        return frozenset(name for name in self.servers if name in self._known.owed and name not in self._known.slow)

    def only(self, names: Collection[str]) -> Fleet:
        """A part of it."""
        some = [server for name, server in self.servers.items() if name in names]
        part = Fleet(some, trouble=self._trouble, patience=self.patience)
        part._known = self._known
        return part

    def trouble(self, name: str) -> SidekiqError | None:
        """Why a server is known not to answer; None if it is worth asking."""
        return self._trouble(name)

    async def ask(self, read: Read[T], *, patience: float | None = None, hurried: bool = False) -> Answers[T]:
        """Asks all at once and waits for a moment (seconds), longer for those that are slow to answer but do.

        `hurried`: not for those; they are not even asked. Raises no error of a server's.
        """
        loop = asyncio.get_running_loop()
        began, until = loop.time(), math.inf
        wait = self.patience if patience is None else patience
        done: dict[str, T | SidekiqError] = {}
        for name in self.servers:
            known = self.trouble(name)
            if known is not None:
                done[name] = known
        left = self.behind if hurried else self._owing.difference(done)
        tasks = {
            asyncio.create_task(self._answer(read, server), name=f"ask {name}"): name
            for name, server in self.servers.items()
            if name not in done and name not in left
        }
        pending = set(tasks)
        try:
            while pending:
                until = min(until, self._until({tasks[task] for task in pending}, began, wait))
                ended, pending = await asyncio.wait(
                    pending, timeout=max(0.0, until - loop.time()), return_when=asyncio.FIRST_COMPLETED
                )
                done |= {tasks[task]: task.result() for task in ended}
                if not ended:
                    break
            for task in pending:
                self._known.late[tasks[task]] = loop.time()
                self._known.slow.pop(tasks[task], None)
            late = dict.fromkeys((tasks[task] for task in pending), f"no answer within {loop.time() - began:.1f}s")
            return self._answers(done, {**dict.fromkeys(left, "no answer yet"), **late})
        finally:
            await self._leave({task: tasks[task] for task in pending})

    async def _answer(self, read: Read[T], server: Server) -> T | SidekiqError:
        """What it answered, and a note of how long that took."""
        known, began = self._known, asyncio.get_running_loop().time()
        answer = await _guarded(read, server)
        took = asyncio.get_running_loop().time() - began
        known.slow.pop(server.name, None)
        if not isinstance(answer, SidekiqError):
            known.late.pop(server.name, None)
            if took > self.patience:
                known.slow[server.name] = took
        return answer

    def _until(self, waited_for: Collection[str], began: float, wait: float) -> float:
        """The end of patience (in the loop's time); near when only those are left that were too late just before."""
        now, known = asyncio.get_running_loop().time(), self._known
        ends = [now + SHORT_PATIENCE]
        for name in waited_for:
            if (took := known.slow.get(name)) is not None:
                ends.append(began + max(wait, 2 * took + self.patience))
            elif now - known.late.get(name, -math.inf) >= REMEMBERED:
                ends.append(began + wait)
        return max(ends)

    async def _leave(self, pending: Mapping[asyncio.Task[Any], str]) -> None:
        """Lets the last calls of late servers end, one each; how long they may take is their own limit for a call."""
        known = self._known
        ended = []
        for task, name in pending.items():
            if name not in known.owed and (name in known.late or name in known.slow):
                known.owed[name] = task
                task.add_done_callback(partial(self._paid, name))
            else:
                task.cancel()
                ended.append(task)
        await asyncio.gather(*ended, return_exceptions=True)

    def _paid(self, name: str, _: asyncio.Task[Any]) -> None:
        del self._known.owed[name]

    def _answers(self, done: Mapping[str, T | SidekiqError], pending: Mapping[str, str]) -> Answers[T]:
        values: dict[str, T] = {}
        missing: dict[str, SidekiqError] = {}
        for name in self.servers:
            if name in pending:
                took = self._known.slow.get(name)
                missing[name] = ServerTimeout(pending[name] if took is None else f"its part follows in {took:.1f}s")
            elif isinstance(found := done[name], SidekiqError):
                missing[name] = found
            else:
                values[name] = found
        return Answers(values, missing, frozenset(pending))


async def _guarded(read: Read[T], server: Server) -> T | SidekiqError:
    """An error is an answer too; a mistake of ours on one server's data must not hide the others."""
    try:
        return await read(server)
    except SidekiqError as error:
        return error
    except Exception as error:
        return mistake(error)


def mistake(error: Exception) -> SidekiqError:
    """What is said of an answer that sqtui itself fails on."""
    return ReplyError(f"its answer could not be read ({type(error).__name__}): a mistake in sqtui")
