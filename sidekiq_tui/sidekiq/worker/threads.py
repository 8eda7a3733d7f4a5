"""Runs plain functions in threads, with the task's context."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Protocol, TypeVar

R = TypeVar("R")


class Watcher(Protocol):
    """Wants to know in which thread a job runs."""

    def entered(self, ident: int) -> None:
        """A function of the job runs in this thread now."""
        ...

    def left(self) -> None:
        """It does not any more."""
        ...


watcher: ContextVar[Watcher | None] = ContextVar("sidekiq_watcher", default=None)
"""Who watches the running job, if anybody."""


async def in_thread(threads: Executor | None, function: Callable[[], R]) -> R:
    """Calls a function in one of the threads; None: in one of the loop's own. Raises what it raises."""
    watched = partial(_watched, watcher.get(), function)
    return await asyncio.get_running_loop().run_in_executor(threads, partial(copy_context().run, watched))


def _watched(who: Watcher | None, function: Callable[[], R]) -> R:
    if who is None:
        return function()
    who.entered(threading.get_ident())
    try:
        return function()
    finally:
        who.left()
