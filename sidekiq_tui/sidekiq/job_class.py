"""Job classes in Python: what a job is called, its options, and how it is pushed (job.rb).

class ChargeJob(Job):
    sidekiq_class = "Invoice::ChargeJob"       # what Redis, and Ruby, call it; the Python name by default
    sidekiq_options = {"queue": "critical", "retry": 5}

    async def perform(self, invoice_id, options): ...

use_client(client)
await ChargeJob.perform_async(42, {"currency": "EUR"})
await ChargeJob.set(queue="low").perform_in(60, 42, {})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from sidekiq_tui.sidekiq.client import FIRST_ABSOLUTE, Client
from sidekiq_tui.sidekiq.client_payload import check_args, dumps
from sidekiq_tui.sidekiq.json_codec import loads
from sidekiq_tui.sidekiq.middleware import MiddlewareChain

ServerChain = MiddlewareChain[object]
"""Middleware round a job: called with (job, payload, queue, call_next)."""

_client: Client | None = None
server_middleware: ServerChain = ServerChain()
"""What runs round jobs that are performed inline or in tests."""


_classes: dict[str, type[Job]] = {}


def job_classes() -> Mapping[str, type[Job]]:
    """Every job class that has been defined, by its name in payloads."""
    return _classes


def use_client(client: Client | None) -> None:
    """The client that job classes push with, for the whole program."""
    global _client
    _client = client


def client_in_use() -> Client | None:
    """The client in use, if there is one."""
    return _client


def current_client() -> Client:
    """The client in use. Raises RuntimeError if there is none."""
    if _client is None:
        raise RuntimeError("no client to push with: call use_client(client) first")
    return _client


class Job:
    """A kind of job. `perform` may be a coroutine or a plain function; its arguments are what JSON gives back."""

    sidekiq_class: ClassVar[str] = ""
    """The name in payloads, such as `Invoice::ChargeJob`; empty: the name of the Python class."""
    sidekiq_options: ClassVar[Mapping[str, object]] = {}
    """Options of this class; those of its base classes hold too, unless said otherwise."""

    jid: str = ""
    """Whose turn it is; set before `perform`."""
    stopping: Callable[[], bool] = staticmethod(lambda: False)
    """Whether the worker is about to end; set before `perform`, too."""

    @property
    def interrupted(self) -> bool:
        """Whether the worker takes no more jobs: a long job had better end soon."""
        return self.stopping()

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """`abstract`: only a base of job classes; no job has its name."""
        super().__init_subclass__()
        if not abstract:
            _classes[cls.class_name()] = cls

    def perform(self, *args: Any) -> Any:
        """What the job does."""
        raise NotImplementedError(f"{type(self).__name__} has no perform")

    @classmethod
    def class_name(cls) -> str:
        """The name in payloads."""
        return cls.__dict__.get("sidekiq_class") or cls.__name__

    @classmethod
    def options(cls) -> dict[str, object]:
        """The options of the class and its bases."""
        merged: dict[str, object] = {}
        for base in reversed(cls.__mro__):
            merged.update(base.__dict__.get("sidekiq_options", {}))
        return merged

    @classmethod
    def set(cls, **options: object) -> Setter:
        """Other options for one push; `wait` (seconds) and `wait_until` (Unix seconds) schedule it."""
        return Setter(cls, options)

    @classmethod
    async def perform_async(cls, *args: object) -> str | None:
        """Pushes a job; its jid, None if middleware stopped it. Raises InvalidJob, SidekiqError."""
        return await Setter(cls, {}).perform_async(*args)

    @classmethod
    async def perform_in(cls, seconds: float, *args: object) -> str | None:
        """Pushes a job for so many seconds from now or, from 1e9 on, for that Unix time."""
        return await Setter(cls, {}).perform_in(seconds, *args)

    @classmethod
    async def perform_at(cls, at: float, *args: object) -> str | None:
        """Pushes a job for a Unix time, in seconds."""
        return await Setter(cls, {}).perform_in(at, *args)

    @classmethod
    async def perform_bulk(cls, args: Sequence[Sequence[object]], **options: Any) -> list[str | None]:
        """Pushes a job for each list of arguments; `at`, `spread_interval`, `batch_size` as `Client.push_bulk`."""
        return await Setter(cls, {}).perform_bulk(args, **options)

    @classmethod
    async def perform_inline(cls, *args: object) -> bool:
        """Performs the job here and now, through all middleware; False if some of it stopped the job."""
        return await Setter(cls, {}).perform_inline(*args)


class Setter:
    """A job class with other options."""

    def __init__(self, job_class: type[Job], options: Mapping[str, object]) -> None:
        self._class = job_class
        self._options: dict[str, object] = {}
        self.set(**options)

    def set(self, **options: object) -> Self:
        """Still other options."""
        wait = options.pop("wait_until", None) or options.pop("wait", None)
        options.pop("wait", None)
        self._options.update(options)
        if isinstance(wait, int | float):
            self._at(wait)
        return self

    async def perform_async(self, *args: object) -> str | None:
        """As `Job.perform_async`; with the option `sync` the job is performed here and now."""
        if self._options.get("sync") is True:
            await self.perform_inline(*args)
            return None
        return await self._client.push(self._item(list(args)))

    async def perform_in(self, seconds: float, *args: object) -> str | None:
        """As `Job.perform_in`."""
        self._at(seconds)
        return await self.perform_async(*args)

    async def perform_bulk(self, args: Sequence[Sequence[object]], **options: Any) -> list[str | None]:
        """As `Job.perform_bulk`."""
        if "at" in self._options and "spread_interval" not in options:
            options.setdefault("at", self._options["at"])
        return await self._client.push_bulk(self._item(args), **options)

    async def perform_inline(self, *args: object) -> bool:
        """As `Job.perform_inline`."""
        payload = await self._client.prepare(self._item(list(args)))
        if payload is None:
            return False
        check_args(payload, self._client.strict_args)
        stored = loads(dumps(payload))
        assert isinstance(stored, dict)
        return await run_job(self._class, stored)

    @property
    def _client(self) -> Client:
        given = self._options.get("client") or self._class.options().get("client")
        return given if isinstance(given, Client) else current_client()

    def _item(self, args: Sequence[object]) -> dict[str, object]:
        options = {**self._class.options(), **self._options}
        for own in ("client", "sync"):
            options.pop(own, None)
        return {**options, "class": self._class.class_name(), "args": args}

    def _at(self, seconds: float) -> None:
        now = self._client.clock()
        at = now + seconds if seconds < FIRST_ABSOLUTE else seconds
        if at > now:
            self._options["at"] = at


async def run_job(job_class: type[Job], payload: Mapping[str, object]) -> bool:
    """Performs a stored job through the server middleware; False if some of it stopped the job. Raises what it does."""
    job = job_class()
    job.jid = str(payload["jid"])
    args = payload["args"]

    async def innermost() -> object:
        result = job.perform(*args)  # type: ignore[misc]
        if inspect.isawaitable(result):
            await result
        return True

    if not len(server_middleware):
        return bool(await innermost())
    return bool(await server_middleware.invoke(innermost, job, payload, payload["queue"]))
