"""Blocking calls that may hang for ever (name lookup, keyring dialogs), kept off the event loop and off the exit.

The loop's own executor is joined when the loop closes, so a hanging lookup would keep a finished program alive;
daemon threads do not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def call_in_daemon(function: Callable[[], T]) -> T:
    """Runs `function` in a daemon thread. When cancelled, the thread is left behind and its answer dropped."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # the function's own result, which may be None
        else:
            future.set_exception(error)

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    threading.Thread(target=work, name="sqtui-background", daemon=True).start()
    return await future
