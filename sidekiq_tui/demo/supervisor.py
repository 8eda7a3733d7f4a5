"""The process behind `sqtui demo`: starts the servers, fills them, keeps them busy, and cleans up after all of it.

It lives in a session of its own, reads its orders as one JSON line on standard input, reports as JSON lines on standard
output, and ends when standard input closes: that happens however its parent ends, even by SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidekiq_tui.demo.dataset import Dataset
from sidekiq_tui.demo.embedded import EmbeddedRedis, find_server
from sidekiq_tui.demo.fleet import Command
from sidekiq_tui.demo.orders import Orders
from sidekiq_tui.demo.place import Address, Place
from sidekiq_tui.demo.plans import plans
from sidekiq_tui.demo.proxy import Proxy
from sidekiq_tui.demo.traffic import Traffic
from sidekiq_tui.sidekiq.errors import SidekiqError

TICK: Final = 1.0  # seconds
BATCH: Final = 300  # commands in one round trip while loading
MORE_AFTER: Final = 2.0  # seconds from the start until metrics are loaded: first the UI may have the processor
REPORT_EVERY: Final = 0.2  # seconds between two reports of progress


class Demo:
    """All servers of one demo, from start to end."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._place = Place()
        self._servers: list[EmbeddedRedis] = []
        self._proxies: list[Proxy] = []
        self._clients: list[Redis] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Start everything, report, and keep it going until cancelled."""
        try:
            await self._start()
            await asyncio.gather(*self._tasks)
        finally:
            await self._stop()

    async def _start(self) -> None:
        report("folder", path=str(self._place.folder))
        wanted = plans(self._orders.servers, self._orders.jobs)
        addresses = [self._place.address(plan) for plan in wanted]
        self._start_servers(addresses)
        datasets = [Dataset(plan, self._orders.seed, time.time()) for plan in wanted]
        for address, server, dataset in zip(addresses, self._servers, datasets, strict=True):
            client = _client(server)
            self._clients.append(client)
            await _send(client, dataset.base())
            await self._load_bulk(client, dataset)
            if address.plan.proxied:
                await self._start_proxy(address, server)
        settings = self._place.write(addresses)
        urls = {one.plan.name: one.url.replace("unix://", f"unix://:{one.password}@", 1) for one in addresses}
        report("ready", settings=str(settings), urls=urls)
        for number, (client, dataset) in enumerate(zip(self._clients, datasets, strict=True)):
            first = TICK * number / len(datasets)  # not all servers at the same moment
            self._tasks.append(asyncio.create_task(_live(client, dataset, first)))

    def _start_servers(self, addresses: Iterable[Address]) -> None:
        binary = Path(self._orders.binary) if self._orders.binary else find_server()
        for address in addresses:
            server = EmbeddedRedis.launch(
                self._place.folder,
                binary=binary,
                name=address.backend,
                password=address.password,
                config=address.plan.config,
            )
            self._servers.append(server)
        self._place.note(server.process.pid for server in self._servers)
        for server in self._servers:
            server.wait_ready()

    async def _start_proxy(self, address: Address, server: EmbeddedRedis) -> None:
        plan = address.plan
        proxy = Proxy(address.socket, server.socket, delay=plan.delay, seed=f"{self._orders.seed}/{plan.name}")
        await proxy.listen()
        self._proxies.append(proxy)
        if plan.outage is not None:
            self._tasks.append(asyncio.create_task(proxy.keep(plan.outage)))

    async def _load_bulk(self, client: Redis, dataset: Dataset) -> None:
        total = sum(dataset.plan.bulk.values())
        done, reported = 0, 0.0
        for jobs, command in dataset.bulk():
            await _pipeline(client, [command])
            done += jobs
            if time.monotonic() - reported > REPORT_EVERY or done == total:
                reported = time.monotonic()
                report("progress", server=dataset.plan.name, done=done, total=total)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for proxy in self._proxies:
            await proxy.close()
        for client in self._clients:
            await client.aclose()
        for server in self._servers:
            server.process.terminate()  # all at once; `stop` then waits for each
        for server in self._servers:
            server.stop()
        self._place.remove()


async def _live(client: Redis, dataset: Dataset, first: float) -> None:
    """Tick for ever, also while its server is stopped or stuck; soon load what the first screens did not need."""
    traffic = Traffic(dataset)
    await asyncio.sleep(first)
    more = asyncio.get_running_loop().time() + MORE_AFTER
    while True:
        requests = traffic.tick(time.time())
        with contextlib.suppress(RedisError, OSError):
            replies = await _pipeline(client, (command for command, _ in requests))
            for (_, handler), reply in zip(requests, replies, strict=True):
                if handler is not None:
                    handler(reply)
            if asyncio.get_running_loop().time() > more:
                more = math.inf
                await _send(client, dataset.more())
        await asyncio.sleep(TICK)


def _client(server: EmbeddedRedis) -> Redis:
    return Redis(
        unix_socket_path=str(server.socket),
        password=server.password,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        legacy_responses=False,
        socket_timeout=30,
    )


async def _send(client: Redis, commands: Iterable[Command]) -> None:
    for batch in _batches(commands):
        await _pipeline(client, batch)


def _batches(commands: Iterable[Command]) -> Iterator[list[Command]]:
    batch: list[Command] = []
    for command in commands:
        batch.append(command)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _pipeline(client: Redis, commands: Iterable[Command]) -> list[object]:
    """One round trip; error replies (of a full server, say) stand in their places."""
    async with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[object] = await pipeline.execute(raise_on_error=False)
    # redis-py sends with asyncio.wait_for, which up to Python 3.11 swallows a cancellation that comes as it finishes.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    return replies


def report(event: str, **details: Any) -> None:
    """Tell the parent; if it is gone, the closed standard input says so as well."""
    line: Mapping[str, Any] = {"event": event, **details}
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


async def main() -> int:
    """Read the orders, run the demo, and end with the parent (or at SIGTERM or SIGHUP). Returns the exit code."""
    orders = Orders.read(sys.stdin.buffer.readline())
    loop = asyncio.get_running_loop()
    demo = asyncio.create_task(Demo(orders).run())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, demo.cancel)
    loop.add_reader(sys.stdin.fileno(), _parent_spoke, loop, demo)
    try:
        await demo
    except asyncio.CancelledError:
        return 0
    except SidekiqError as error:
        report("failed", message=error.message, hint=error.hint)
        return 1
    return 0


def _parent_spoke(loop: asyncio.AbstractEventLoop, demo: asyncio.Task[None]) -> None:
    """Nothing comes after the orders but the end of the pipe."""
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        demo.cancel()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
