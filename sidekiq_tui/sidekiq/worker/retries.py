"""What becomes of a job that failed: retried later, dead, or dropped (protocol 15.3, job_retry.rb)."""

from __future__ import annotations

import base64
import inspect
import json
import random
import time
import traceback
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal

from sidekiq_tui.sidekiq.client_payload import is_number, written_time
from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload_edit import with_fields
from sidekiq_tui.sidekiq.timestamps import parse_time
from sidekiq_tui.sidekiq.worker.config import WorkerConfig
from sidekiq_tui.sidekiq.worker.fetch import Unit
from sidekiq_tui.sidekiq.worker.logs import LOGGER

Outcome = Literal["retry", "dead", "discarded", "dropped"]
DeathHandler = Callable[[Mapping[str, object], BaseException], Awaitable[None] | None]
Write = Callable[[Sequence[Command], Sequence[Command]], Awaitable[None]]
"""Runs commands in one transaction, again and again until Redis has taken them, and others only along with them."""

LONGEST_MESSAGE: Final = 10_000
"""Characters of an error's message that are kept."""


class UnknownJobClass(Exception):
    """No class of that name is registered here; Ruby would say the same."""

    sidekiq_class = "NameError"


class Retries:
    """Decides and writes. Times are Unix seconds."""

    def __init__(
        self,
        config: WorkerConfig,
        keys: Keys,
        write: Write,
        *,
        death_handlers: Sequence[DeathHandler] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._keys = keys
        self._write = write
        self._death_handlers = death_handlers
        self._clock = clock

    async def failed(
        self,
        unit: Unit,
        payload: Mapping[str, object],
        error: BaseException,
        job_class: type[Job] | None,
        release: Sequence[Command] = (),
    ) -> Outcome:
        """Gives a failed job its next place. Hooks that fail are logged and change nothing.

        `release` goes into the transaction that does so; nothing is written for what is discarded or dropped.
        """
        retry = payload.get("retry")
        if retry is None:
            retry = (job_class.options() if job_class else {}).get("retry", True)
        if retry is False:
            await self._mourn(payload, error)
            return "dropped"
        now = self._clock()
        changes = self._changes(unit, payload, error, now)
        after = {**payload, **changes}
        if self._exhausted(after, retry, now):
            return await self._exhaust(unit, after, changes, error, job_class, release)
        count = int(str(changes["retry_count"]))
        answer = await self._asked(job_class, count, error, after)
        if answer == "discard":
            await self._mourn(after, error)
            return "discarded"
        if answer == "kill":
            return await self._exhaust(unit, after, changes, error, job_class, release)
        custom = answer if is_number(answer) and float(str(answer)) > 0 else None
        at = now + delay(count, self._config.version, custom=None if custom is None else int(float(str(custom))))
        await self._write([("ZADD", self._keys.retry, at, with_fields(unit.raw, changes))], release)
        return "retry"

    async def bury(self, raw: bytes, release: Sequence[Command] = ()) -> None:
        """Puts bytes into the dead set, and lets the oldest go where it is full (api.rb, DeadSet#trim)."""
        now, key = self._clock(), self._keys.dead
        await self._write(
            [
                ("ZADD", key, now, raw),
                ("ZREMRANGEBYSCORE", key, "-inf", now - self._config.dead_timeout),
                ("ZREMRANGEBYRANK", key, 0, -self._config.dead_max_jobs),
            ],
            release,
        )

    def _changes(
        self, unit: Unit, payload: Mapping[str, object], error: BaseException, now: float
    ) -> dict[str, object]:
        stamp = written_time(now, self._config.form)
        queue = payload.get("retry_queue") or unit.queue
        changes: dict[str, object] = {
            # What stands there already stays as it is: the name may be no UTF-8.
            **({} if queue == payload.get("queue") else {"queue": queue}),
            "error_message": _clean(str(error))[:LONGEST_MESSAGE],
            "error_class": error_name(error),
        }
        count = payload.get("retry_count")
        if isinstance(count, int):
            changes |= {"retried_at": stamp, "retry_count": count + 1}
        else:
            changes |= {"failed_at": stamp, "retry_count": 0}
        if lines := _kept(payload.get("backtrace"), error):
            changes["error_backtrace"] = compress_backtrace(lines)
        return changes

    def _exhausted(self, payload: Mapping[str, object], retry: object, now: float) -> bool:
        most = retry if isinstance(retry, int) and retry is not True else self._config.max_retries
        spent = int(str(payload["retry_count"])) >= most
        retry_for = payload.get("retry_for")
        if not retry_for or not is_number(retry_for):
            return spent
        since = parse_time(payload.get("failed_at"))
        over = since is not None and since + float(str(retry_for)) < now
        return over if _release(self._config.version) >= (8, 1) else over or spent

    async def _exhaust(
        self,
        unit: Unit,
        payload: Mapping[str, object],
        changes: Mapping[str, object],
        error: BaseException,
        job_class: type[Job] | None,
        release: Sequence[Command],
    ) -> Outcome:
        said = await _hook("sidekiq_retries_exhausted", job_class, payload, error)
        outcome: Outcome = "discarded"
        if payload.get("dead") is not False and said != "discard":
            await self.bury(with_fields(unit.raw, changes), release)
            outcome = "dead"
        await self._mourn(payload, error)
        return outcome

    async def _asked(
        self, job_class: type[Job] | None, count: int, error: BaseException, payload: Mapping[str, object]
    ) -> object:
        return await _hook("sidekiq_retry_in", job_class, count, error, payload)

    async def _mourn(self, payload: Mapping[str, object], error: BaseException) -> None:
        for handler in self._death_handlers:
            try:
                if inspect.isawaitable(told := handler(payload, error)):
                    await told
            except Exception:
                LOGGER.exception("a death handler failed")


async def _hook(name: str, job_class: type[Job] | None, *about: object) -> object:
    hook = getattr(job_class, name, None)
    if hook is None:
        return None
    try:
        said = hook(*about)
        return await said if inspect.isawaitable(said) else said
    except Exception:
        LOGGER.exception("%s failed", name)
        return None


def delay(count: int, version: str, *, custom: int | None = None) -> float:
    """Seconds until a job is tried again that now has this `retry_count`, with the jitter of a Sidekiq version."""
    release = _release(version)
    base = count**4 + 15 if custom is None else custom
    if release >= (8,):
        return base + random.randrange(10 * (count + 1))
    if release >= (6, 2, 2):
        return base + random.randrange(10) * (count + 1)
    return base + random.randrange(30) * (count + 1) if custom is None else base


def error_name(error: BaseException) -> str:
    """An error's class as payloads name it: what it says of itself, else its Python name with Ruby's separator."""
    said = getattr(error, "sidekiq_class", None)
    return said if isinstance(said, str) else type(error).__qualname__.replace(".<locals>", "").replace(".", "::")


def backtrace_lines(error: BaseException) -> list[str]:
    """The frames of an error, innermost first, written as Ruby writes them."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno}:in '{frame.name}'" for frame in reversed(frames)]


def compress_backtrace(lines: Sequence[str]) -> str:
    """Base64 of zlib of a JSON array (6.1 and later)."""
    return base64.b64encode(zlib.compress(json.dumps([_clean(line) for line in lines]).encode())).decode()


def _kept(wanted: object, error: BaseException) -> list[str]:
    if wanted is True:
        return backtrace_lines(error)
    return backtrace_lines(error)[:wanted] if isinstance(wanted, int) and wanted > 0 else []


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no Ruby reads."""
    return text.encode("utf-8", "replace").decode()


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
