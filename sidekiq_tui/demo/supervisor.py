"""The process behind `sqtui demo`: starts servers and workers, fills and feeds them, and cleans up.

It lives in a session of its own, reads its orders as one JSON line on standard input, reports as JSON lines on standard
output, and ends when standard input closes: that happens however its parent ends, even by SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidekiq_tui.demo.crew import Post, database
from sidekiq_tui.demo.crews import Crew, orders_for, rosters
from sidekiq_tui.demo.dataset import Dataset
from sidekiq_tui.demo.embedded import EmbeddedRedis, find_server
from sidekiq_tui.demo.measures import Command
from sidekiq_tui.demo.orders import Orders
from sidekiq_tui.demo.place import Address, Place
from sidekiq_tui.demo.plans import ServerPlan, plans
from sidekiq_tui.demo.producer import Producer
from sidekiq_tui.demo.proxy import Proxy
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys

SHOW_UP: Final = 8.0  # seconds that the workers get to show up before the UI opens
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
        self._producers: list[Database] = []
        self._crews: list[Crew] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Start everything, report, and keep it going until cancelled."""
        try:
            await self._start()
            await asyncio.gather(*self._tasks)
        finally:
            await self._stop()

    async def _start(self) -> None:
        orders = self._orders
        report("folder", path=str(self._place.folder))
        wanted = plans(orders.servers, orders.jobs, orders.scenario)
        addresses = [self._place.address(plan) for plan in wanted]
        self._launch(addresses)
        self._crews = [
            Crew(roster, self._place.folder, restarts=wanted[0].scenario.restarts) for roster in rosters(wanted)
        ]
        self._note()
        for server in self._servers:
            server.wait_ready()
        datasets = [Dataset(plan, orders.seed, time.time()) for plan in wanted]
        for address, server, dataset in zip(addresses, self._servers, datasets, strict=True):
            client = _client(server)
            self._clients.append(client)
            await _send(client, dataset.base())
            await self._load_bulk(client, dataset)
            if address.plan.proxied:
                await self._start_proxy(address, server)
        await self._begin(wanted)
        settings = self._place.write(addresses)
        urls = {one.plan.name: one.url.replace("unix://", f"unix://:{one.password}@", 1) for one in addresses}
        report("ready", settings=str(settings), urls=urls)
        self._tasks.append(asyncio.create_task(self._more(datasets)))

    async def _begin(self, wanted: Sequence[ServerPlan]) -> None:
        """Let the workers work and the applications push; wait until the workers are seen."""
        orders, began = self._orders, time.time()
        before = [await _processes(client) for client in self._clients]
        posts = [
            Post(plan.name, str(server.socket), server.password or "", ())
            for plan, server in zip(wanted, self._servers, strict=True)
        ]
        for crew in self._crews:
            crew.begin(
                orders_for(
                    crew.roster, posts, seed=orders.seed, servers=orders.servers, scenario=orders.scenario, began=began
                )
            )
        self._tasks += [asyncio.create_task(crew.keep(wanted[0].scenario.fates, self._note)) for crew in self._crews]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHOW_UP):
                for plan, client, known in zip(wanted, self._clients, before, strict=True):
                    await _seen(client, known + len(plan.processes))
        for number, (plan, server, client) in enumerate(zip(wanted, self._servers, self._clients, strict=True)):
            if plan.paused:
                await _pipeline(client, [("SADD", Keys().paused, *plan.paused)])
            db = database(str(server.socket), server.password or "")
            self._producers.append(db)
            producer = Producer(plan, db, orders.seed)
            # Not all servers at the same moment.
            self._tasks.append(asyncio.create_task(producer.run(number / len(wanted))))

    def _launch(self, addresses: Iterable[Address]) -> None:
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

    def _note(self) -> None:
        """Write down which processes are ours."""
        self._place.note([server.process.pid for server in self._servers] + [crew.pid for crew in self._crews])

    async def _more(self, datasets: Sequence[Dataset]) -> None:
        """Load what the first screens did not need."""
        await asyncio.sleep(MORE_AFTER)
        for client, dataset in zip(self._clients, datasets, strict=True):
            with contextlib.suppress(RedisError, OSError):
                await _send(client, dataset.more())

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
        for crew in self._crews:
            crew.end()
        for proxy in self._proxies:
            await proxy.close()
        for client in self._clients:
            await client.aclose()
        for db in self._producers:
            await db.close()
        for server in self._servers:
            server.process.terminate()  # all at once; `stop` then waits for each
        for server in self._servers:
            server.stop()
        self._place.remove()


async def _seen(client: Redis, processes: int) -> None:
    """Wait until so many processes have said that they live."""
    while await _processes(client) < processes:  # noqa: ASYNC110 (they tell Redis, not us)
        await asyncio.sleep(0.05)


async def _processes(client: Redis) -> int:
    """How many processes have said that they live."""
    (count,) = await _pipeline(client, [("SCARD", Keys().processes)])
    return count if isinstance(count, int) else 0


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
