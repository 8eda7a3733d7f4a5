"""A running operation, as those who started it see it: how far it is, and how to pause, stop and await it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from sidekiq_tui.operations.outcome import Outcome, Progress, Tally
from sidekiq_tui.operations.plan import Plan

RunListener = Callable[["Run"], None]


class Run:
    """One operation in the background of the running event loop. Ends by itself; `stop` ends it between two batches.

    Listeners are called in the loop at each change of `progress`, and once more when `outcome` is there. They must not
    raise.
    """

    def __init__(self, id: str, plan: Plan, *, together: str = "") -> None:
        """`together`: what it shares with the parts of the same deed on other servers."""
        self.id = id
        self.together = together
        self.plan = plan
        self.progress = Progress(plan.count, Tally(untouched=plan.count), "running")
        self.outcome: Outcome | None = None
        self.mistake: Exception | None = None
        """What went wrong in sqtui itself, for a report of a fault."""
        self._listeners: list[RunListener] = []
        self._going = asyncio.Event()
        self._going.set()
        self._stopped = asyncio.Event()
        self._leaving = False
        self._task: asyncio.Task[Outcome] | None = None

    @property
    def server(self) -> str:
        """The server's name."""
        return self.plan.server

    @property
    def paused(self) -> bool:
        """Whether it waits for `resume`."""
        return not self._going.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped.is_set()

    def pause(self) -> None:
        """Holds before the next batch; what is under way ends."""
        self._going.clear()

    def resume(self) -> None:
        """Goes on after `pause`."""
        self._going.set()

    def stop(self) -> None:
        """Ends after what is under way; what was not reached stays untouched."""
        self._stopped.set()
        self._going.set()

    def leave(self) -> None:
        """As `stop`, but it is not ended: what is left can be gone on with by `Operations.resume`."""
        self._leaving = True
        self.stop()

    @property
    def leaving(self) -> bool:
        """Whether it shall be left as it is."""
        return self._leaving

    async def wait(self) -> Outcome:
        """The end. Raises nothing of the operation's own: what failed is in the outcome."""
        if self._task is None:
            raise RuntimeError("not started")
        return await asyncio.shield(self._task)

    def subscribe(self, listener: RunListener) -> Callable[[], None]:
        """Calls the listener at each change, until the function that is returned is called."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    # ---- For what carries it out

    def begin(self, work: Awaitable[Outcome]) -> None:
        """Starts the work in the background."""

        async def carry_out() -> Outcome:
            self.outcome = await work
            self._tell()
            return self.outcome

        self._task = asyncio.create_task(carry_out(), name=f"operation {self.id}")

    def report(self, progress: Progress) -> None:
        """Takes the new progress and tells the listeners."""
        self.progress = progress
        self._tell()

    async def until_resumed(self) -> None:
        """Waits while paused and not stopped."""
        await self._going.wait()

    async def rest(self, seconds: float) -> None:
        """Waits so long, or until it shall stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener(self)
