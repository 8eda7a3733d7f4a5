"""Several servers asked at once: what those answer that do, and which of the others do not, and why.

Nobody waits for a server that is gone, slow or talks nonsense: after a moment of patience the answer comes without it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

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
    """Those of the missing ones that may still answer: a later result may have them."""

    @property
    def complete(self) -> bool:
        """Whether nobody is missing."""
        return not self.missing


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
        self._late: dict[str, float] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The servers, in the order given."""
        return tuple(self.servers)

    def only(self, names: Collection[str]) -> Fleet:
        """A part of it."""
        some = [server for name, server in self.servers.items() if name in names]
        return Fleet(some, trouble=self._trouble, patience=self.patience)

    def trouble(self, name: str) -> SidekiqError | None:
        """Why a server is known not to answer; None if it is worth asking."""
        return self._trouble(name)

    async def ask(self, read: Read[T], *, patience: float | None = None) -> Answers[T]:
        """Asks all at once and waits for a moment (seconds). Raises no error of a server's."""
        async with aclosing(self.asking(read, patience=patience)) as growing:
            async for answers in growing:
                return answers
        return Answers({}, {})

    async def asking(self, read: Read[T], *, patience: float | None = None) -> AsyncGenerator[Answers[T], None]:
        """The same, and then again with each server that answers later, until none is left or nobody asks any more.

        How long a late one may take is its own limit for a call.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = began + (self.patience if patience is None else patience)
        done: dict[str, T | SidekiqError] = {}
        for name in self.servers:
            known = self.trouble(name)
            if known is not None:
                done[name] = known
        tasks = {
            asyncio.create_task(_guarded(read, server), name=f"ask {name}"): name
            for name, server in self.servers.items()
            if name not in done
        }
        pending = set(tasks)
        try:
            while pending:
                until = self._until({tasks[task] for task in pending}, until)
                ended, pending = await asyncio.wait(
                    pending, timeout=max(0.0, until - loop.time()), return_when=asyncio.FIRST_COMPLETED
                )
                self._note(ended, tasks, done)
                if not ended:
                    break
            for task in pending:
                self._late[tasks[task]] = loop.time()
            yield self._answers(done, {tasks[task] for task in pending}, loop.time() - began)
            while pending:
                ended, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                self._note(ended, tasks, done)
                yield self._answers(done, {tasks[task] for task in pending}, loop.time() - began)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _until(self, waited_for: set[str], until: float) -> float:
        """The end of patience (in the loop's time); near when only those are left that were too late just before."""
        now = asyncio.get_running_loop().time()
        if all(now - self._late.get(name, -math.inf) < REMEMBERED for name in waited_for):
            return min(until, now + SHORT_PATIENCE)
        return until

    def _note(
        self,
        ended: set[asyncio.Task[T | SidekiqError]],
        tasks: Mapping[asyncio.Task[T | SidekiqError], str],
        done: dict[str, T | SidekiqError],
    ) -> None:
        for task in ended:
            name, result = tasks[task], task.result()
            done[name] = result
            if not isinstance(result, SidekiqError):
                self._late.pop(name, None)

    def _answers(self, done: Mapping[str, T | SidekiqError], pending: set[str], waited: float) -> Answers[T]:
        values: dict[str, T] = {}
        missing: dict[str, SidekiqError] = {}
        for name in self.servers:
            if name in pending:
                missing[name] = ServerTimeout(f"no answer within {waited:.1f}s")
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
