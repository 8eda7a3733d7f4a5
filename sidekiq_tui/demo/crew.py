"""A process of the demo that runs real workers, for one host or for several.

It reads what to do as one JSON line on standard input; the line `hang` makes it hang. It ends with whoever started it:
standard input closes then.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from sidekiq_tui.demo.hosts import Host
from sidekiq_tui.demo.plans import plans
from sidekiq_tui.sidekiq.database import Database

HANG: Final = b"hang\n"
REPLY_TIMEOUT: Final = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Post:
    """Where some hosts of a server work; `hosts` are their places among the server's processes."""

    server: str
    socket: str
    password: str
    hosts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CrewOrders:
    """What a crew is told. `began`: the demo's start in Unix seconds; `again`: it comes back."""

    seed: str
    servers: int
    scenario: str
    began: float
    posts: tuple[Post, ...]
    again: bool = False

    def line(self) -> bytes:
        """The orders as they are sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def read(line: bytes) -> CrewOrders:
        """The orders as they were sent."""
        said = json.loads(line)
        posts = tuple(Post(**{**post, "hosts": tuple(post["hosts"])}) for post in said.pop("posts"))
        return CrewOrders(**said, posts=posts)


def database(socket: str, password: str) -> Database:
    """A connection to a server of the demo."""
    client = Redis(
        unix_socket_path=socket,
        password=password,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        legacy_responses=False,
        socket_timeout=REPLY_TIMEOUT,
    )
    return Database(client)


async def work(orders: CrewOrders) -> None:
    """Run all hosts until the one who started us is gone."""
    by_name = {plan.name: plan for plan in plans(orders.servers, scenario=orders.scenario)}
    tasks = []
    for post in orders.posts:
        connect = partial(database, post.socket, post.password)
        for number in post.hosts:
            host = Host(by_name[post.server], number, connect, seed=orders.seed, began=orders.began, again=orders.again)
            tasks.append(asyncio.create_task(host.live()))
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _spoken, os.getppid())
    await asyncio.gather(*tasks)
    await asyncio.Event().wait()  # all are stopped; orders may still come


def _spoken(parent: int) -> None:
    said = os.read(sys.stdin.fileno(), 4096)
    if said == HANG:
        while os.getppid() == parent:
            time.sleep(0.2)
    if not said or os.getppid() != parent:
        os._exit(0)  # threads of jobs would hold us up


def main(argv: Sequence[str]) -> None:
    """The process. `argv`: where to log, in the demo's folder; that also shows whose process this is."""
    logging.basicConfig(filename=argv[0], level=logging.CRITICAL)
    line = os.fdopen(os.dup(sys.stdin.fileno()), "rb", 0).readline()
    if line:
        asyncio.run(work(CrewOrders.read(line)))


if __name__ == "__main__":
    main(sys.argv[1:])
