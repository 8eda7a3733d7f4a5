"""Pushes jobs as Ruby's Sidekiq::Client does, so that any Sidekiq runs them (protocol 14).

It needs a connection that may write, and nothing else of sqtui:

    client = Client(Database(Redis.from_url("redis://localhost:6379/0", protocol=2)))
    jid = await client.push({"class": "ThumbnailJob", "args": [42]})
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final, cast

from sidekiq_tui.sidekiq.client_bulk import PayloadTemplate, new_jids
from sidekiq_tui.sidekiq.client_payload import (
    Payload,
    StrictArgs,
    WrittenTime,
    bulk_args,
    check_args,
    dumps,
    is_number,
    new_jid,
    normalize,
    written_time,
)
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.deploy import mark_deploy
from sidekiq_tui.sidekiq.errors import InvalidJob, SidekiqError
from sidekiq_tui.sidekiq.iteration import cancel_iteration
from sidekiq_tui.sidekiq.middleware import MiddlewareChain
from sidekiq_tui.sidekiq.time_form import fleet_time_form

SLICE: Final = 1000
"""Jobs in one write of a bulk push."""
SCHEDULED_SLICE: Final = 100
"""The same for scheduled jobs, which cost Redis more each (client.rb, 8.1.2)."""
FIRST_ABSOLUTE: Final = 1_000_000_000
"""From here on a number of seconds is a point in time, below it is from now on."""
FORM_SECONDS: Final = 60.0
"""How long the fleet's form of times is taken to stay."""
LEAST_SPREAD: Final = 5.0
"""Seconds; Sidekiq's poller does not look more often."""

_MOVED: Final = re.compile("READONLY|NOREPLICAS|UNBLOCKED")

Sink = Callable[[Sequence[Payload]], Awaitable[None]]
sink: ContextVar[Sink | None] = ContextVar("sink", default=None)
"""Where payloads go instead of Redis while a test says so (see client_testing)."""

ClientChain = MiddlewareChain[Payload | None]
"""Middleware is called with (class name, payload, queue, client, call_next)."""


class Client:
    """Pushes to one Sidekiq. Every method raises InvalidJob for what is no job, and SidekiqError for trouble."""

    def __init__(
        self,
        db: Database | None,
        *,
        middleware: ClientChain | None = None,
        time_form: WrittenTime | None = None,
        strict_args: StrictArgs = "raise",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`db`: None pushes only while a test catches what is pushed.

        `time_form`: how times are written; None looks at who is there to read them, once a minute.
        """
        self._db = db
        self.middleware: ClientChain = ClientChain() if middleware is None else middleware
        self.strict_args: StrictArgs = strict_args
        self.clock = clock
        self._given_form = time_form
        self._form: tuple[WrittenTime, float] | None = None

    @property
    def db(self) -> Database:
        """Where it pushes to. Raises RuntimeError for a client without."""
        if self._db is None:
            raise RuntimeError("this client has no database to push to")
        return self._db

    async def push(self, item: Mapping[str, object]) -> str | None:
        """Pushes one job: now, or with `at` (Unix seconds) later; its jid, or None if middleware stopped it.

        A push whose reply is lost may have happened: it is not sent again.
        """
        payload = await self.prepare(item)
        if payload is None:
            return None
        check_args(payload, self.strict_args)
        await self._write([payload])
        return str(payload["jid"])

    async def push_bulk(
        self,
        item: Mapping[str, object],
        *,
        at: float | Sequence[float] | None = None,
        spread_interval: float | None = None,
        batch_size: int | None = None,
    ) -> list[str | None]:
        """Pushes one job for each list of arguments in `args`; their jids in order, None where middleware stopped one.

        `at`: Unix seconds, one or one a job. `spread_interval`: seconds over which the jobs are spread at random. What
        was written before an error stays written.
        """
        lists = bulk_args(item.get("args"))
        times = self._times(at, spread_interval, len(lists))
        if item.get("jid") and len(lists) > 1:
            raise InvalidJob("several jobs cannot share a jid")
        if not lists:
            return []
        base = {key: value for key, value in item.items() if key not in ("jid", "at")}
        common = normalize(base, now=self.clock(), form=await self.form())
        size = batch_size or (SLICE if times is None else SCHEDULED_SLICE)
        jids: list[str | None] = []
        for start in range(0, len(lists), size):
            some = times and times[start : start + size]
            jids += await self._push_slice(item, common, lists[start : start + size], some)
        return jids

    async def push_in(self, seconds: float, item: Mapping[str, object]) -> str | None:
        """Pushes a job for so many seconds from now or, from 1e9 on, for that Unix time; now if that has passed."""
        now = self.clock()
        at = now + seconds if seconds < FIRST_ABSOLUTE else seconds
        return await self.push({**item, "at": at} if at > now else item)

    async def cancel(self, jid: str) -> float:
        """Asks an iterable job to stop (from 7.3.3); when that was first asked, in Unix seconds."""
        return await cancel_iteration(self.db, jid, self.clock())

    async def mark_deploy(self, label: str, at: float | None = None) -> bool:
        """Marks a deploy on the charts of metrics, now or at a Unix time; False if it was marked a moment ago."""
        return await mark_deploy(self.db, label, self.clock() if at is None else at)

    async def form(self) -> WrittenTime:
        """How times are written now."""
        if self._given_form is not None:
            return self._given_form
        if sink.get() is not None:
            return "milliseconds"
        now = self.clock()
        if self._form is None or not 0 <= now - self._form[1] < FORM_SECONDS:
            self._form = (await fleet_time_form(self.db, now), now)
        return self._form[0]

    async def prepare(self, item: Mapping[str, object]) -> Payload | None:
        """The payload of a job, completed and through the middleware; None if that stopped it. Writes nothing."""
        payload = normalize(item, now=self.clock(), form=await self.form())
        return await self.through(item["class"], payload)

    async def through(self, name: object, payload: Payload) -> Payload | None:
        """The payload as the middleware leaves it; None if some of it stopped the job."""

        async def innermost() -> Payload | None:
            return payload

        if not len(self.middleware):
            return payload
        return await self.middleware.invoke(innermost, name, payload, payload["queue"], self)

    async def _push_slice(
        self,
        item: Mapping[str, object],
        common: Payload,
        lists: Sequence[Sequence[object]],
        times: Sequence[float] | None,
    ) -> list[str | None]:
        if not len(self.middleware) and sink.get() is None and not item.get("jid"):
            return await self._push_alike(common, lists, times)
        payloads: list[Payload | None] = []
        for index, args in enumerate(lists):
            payload = {**common, "args": list(args), "jid": item.get("jid") or new_jid()}
            if times is not None:
                payload["at"] = times[index]
            through = await self.through(item["class"], payload)
            if through is not None:
                check_args(through, self.strict_args)
            payloads.append(through)
        await self._write([payload for payload in payloads if payload is not None])
        return [None if payload is None else str(payload["jid"]) for payload in payloads]

    async def _push_alike(
        self, common: Payload, lists: Sequence[Sequence[object]], times: Sequence[float] | None
    ) -> list[str | None]:
        """As `_push_slice`, where nobody looks at each payload: the same bytes in a third of the time."""
        for args in lists:
            check_args({**common, "args": args} if self.strict_args != "off" else common, self.strict_args)
        jids = new_jids(len(lists))
        keys = self.db.keys
        if times is not None:
            kept = {key: value for key, value in common.items() if key != "enqueued_at"}
            write = PayloadTemplate(kept).write
            pairs: list[float | bytes] = []
            for args, jid, at in zip(lists, jids, times, strict=True):
                pairs += [float(at), write(args, jid)]
            await self._send([("ZADD", keys.schedule, *pairs)])
        else:
            now = written_time(self.clock(), await self.form())
            write = PayloadTemplate({**common, "enqueued_at": now}).write
            raws = [write(args, jid) for args, jid in zip(lists, jids, strict=True)]
            queue = str(common["queue"])
            await self._send([("SADD", keys.queues, queue), ("LPUSH", keys.queue(queue), *raws)])
        return list(jids)

    def _times(self, at: object, spread: float | None, count: int) -> list[float] | None:
        if at is not None and spread is not None:
            raise InvalidJob("a job is pushed at a time or spread over an interval, not both")
        if spread is not None:
            if not is_number(spread) or spread <= 0:
                raise InvalidJob("spread_interval must be a positive number of seconds")
            now = self.clock()
            return [now + random.random() * max(spread, LEAST_SPREAD) for _ in range(count)]
        if at is None:
            return None
        times = list(at) if isinstance(at, list | tuple) else [at] * count
        if len(times) != count:
            raise InvalidJob("there must be as many times as lists of arguments")
        if not all(is_number(one) for one in times):
            raise InvalidJob("a job's 'at' must be a number of seconds")
        return cast("list[float]", times)

    async def _write(self, payloads: Sequence[Payload]) -> None:
        """One trip. As in Ruby the first payload says whether all are for later."""
        if not payloads:
            return
        if (catch := sink.get()) is not None:
            await catch(payloads)
            return
        await self._send(
            self._scheduled(payloads) if "at" in payloads[0] else self._queued(payloads, await self.form())
        )

    async def _send(self, commands: Sequence[Command]) -> None:
        """One trip, and after a failover a second one for what was refused."""
        refused = [
            (command, reply)
            for command, reply in zip(commands, await self.db.pipeline(commands), strict=True)
            if isinstance(reply, SidekiqError)
        ]
        if refused and all(_MOVED.search(error.message) for _, error in refused):
            # A failover: this server is a replica now, or has too few of them, or has let go of us. Only what was
            # refused is sent again.
            await self.db.read([command for command, _ in refused])
        elif refused:
            raise refused[0][1]

    def _scheduled(self, payloads: Sequence[Payload]) -> list[Command]:
        pairs: list[float | bytes] = []
        for payload in payloads:
            stored = {key: value for key, value in payload.items() if key not in ("at", "enqueued_at")}
            pairs += [float(cast(float, payload["at"])), dumps(stored)]
        return [("ZADD", self.db.keys.schedule, *pairs)]

    def _queued(self, payloads: Sequence[Payload], form: WrittenTime) -> list[Command]:
        now = written_time(self.clock(), form)
        by_queue: dict[str, list[bytes]] = {}
        for payload in payloads:
            payload["enqueued_at"] = now
            by_queue.setdefault(str(payload["queue"]), []).append(dumps(payload))
        keys = self.db.keys
        commands: list[Command] = [("SADD", keys.queues, *by_queue)]
        commands += [("LPUSH", keys.queue(queue), *raws) for queue, raws in by_queue.items()]
        return commands
