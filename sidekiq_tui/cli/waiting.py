"""A server that stops answering on the way: says that it is waited for, and leaves its part as it is after a while."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics

if TYPE_CHECKING:
    from sidekiq_tui.operations.run import Run

SILENT: Final = 4.0
"""Seconds without progress that are worth a word."""
_LOOK: Final = 0.25


@dataclass(slots=True)
class Watch:
    """The runs of one command. `patience`: seconds to wait for one whose server is lost; `slowed`: a person wanted it
    to take its time. `waits` is called before the first word about each server."""

    runs: tuple[Run, ...]
    patience: float
    slowed: bool
    waits: Callable[[], None] = lambda: None
    _heard: dict[str, float] = field(default_factory=dict)
    """When each told of progress, by its id (monotonic seconds)."""
    _lost: dict[str, float] = field(default_factory=dict)
    """Since when its server does not answer."""
    _said: dict[str, bool] = field(default_factory=dict)
    """Of whom it was said that it is waited for, and whether that it is lost."""

    @property
    def waiting(self) -> bool:
        """Whether one is waited for."""
        return bool(self._said)

    async def watch(self) -> None:
        """Until it is cancelled."""
        began = time.monotonic()
        self._heard = {run.id: began for run in self.runs}
        while True:
            await asyncio.sleep(_LOOK)
            for run in self.runs:
                if run.outcome is None:
                    self._look(run, time.monotonic())

    def hear(self, run: Run) -> None:
        """It told of progress."""
        self._heard[run.id] = time.monotonic()

    def _look(self, run: Run, now: float) -> None:
        progress, silent = run.progress, now - self._heard[run.id]
        if progress.state in ("checking", "waiting"):
            self._say(run, progress.words, lost=True)
        elif silent > SILENT and not self.slowed and not run.stopping:
            self._say(run, f"no progress for {silent:.0f}s", lost=False)
        else:
            self._said.pop(run.id, None)
        if progress.state != "checking":
            self._lost.pop(run.id, None)
        elif now - self._lost.setdefault(run.id, now) > self.patience and not run.leaving:
            run.leave()
            self._note(
                f"{run.server} gave no answer for {self.patience:g}s: its part is left; "
                f"sqtui resume {run.id} --server {shlex.quote(run.server)} goes on with it"
            )

    def _say(self, run: Run, reason: str, *, lost: bool) -> None:
        if self._said.get(run.id) is not lost:
            self._said[run.id] = lost
            self.waits()
            self._note(f"waiting for {run.server}: {reason}")

    def _note(self, text: str) -> None:
        diagnostics.PROGRESS.clear()
        diagnostics.warn(text)
