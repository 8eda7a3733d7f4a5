"""Many servers for tests: the databases of one Redis, each perhaps behind a proxy of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from tests.support.proxy import FaultProxy

NOW = 1_795_314_150.0


def names(count: int) -> list[str]:
    """Names in the order of their databases."""
    return [f"s{number:02}" for number in range(count)]


def client(server: EmbeddedRedis, database: int) -> redis.Redis:
    """For set-up, apart from everything under test."""
    return redis.Redis(unix_socket_path=str(server.socket), db=database)


def fill_sets(server: EmbeddedRedis, key: str, data: Sequence[Mapping[bytes, float]]) -> None:
    """Empties the server and puts a sorted set into each database."""
    with client(server, 0) as first:
        first.flushall()
    for database, entries in enumerate(data):
        if entries:
            with client(server, database) as one:
                one.zadd(key, dict(entries))


@contextlib.asynccontextmanager
async def fleet_of(server: EmbeddedRedis, count: int, **options: Any) -> AsyncIterator[Fleet]:
    """The first databases of a server as a fleet."""
    profiles = [
        Profile(name=name, socket=str(server.socket), database=database) for database, name in enumerate(names(count))
    ]
    async with opened(profiles, **options) as fleet:
        yield fleet


@contextlib.asynccontextmanager
async def opened(profiles: Sequence[Profile], **options: Any) -> AsyncIterator[Fleet]:
    """A fleet of these servers, closed at the end. `patience` is long: what is tested with it says so itself."""
    servers = [Server(profile, clock=lambda: NOW) for profile in profiles]
    try:
        yield Fleet(servers, **{"patience": 20.0, **options})
    finally:
        for server in servers:
            await server.close()


@contextlib.asynccontextmanager
async def proxied(server: EmbeddedRedis, count: int, folder: Path, **options: Any) -> AsyncIterator[Proxied]:
    """The same, each database behind a proxy."""
    proxies: dict[str, FaultProxy] = {}
    profiles = []
    async with contextlib.AsyncExitStack() as stack:
        for database, name in enumerate(names(count)):
            place = folder / name
            place.mkdir()
            proxies[name] = await stack.enter_async_context(FaultProxy(server.socket, place))
            profiles.append(Profile(name=name, socket=str(proxies[name].socket), database=database))
        fleet = await stack.enter_async_context(opened(profiles, **options))
        yield Proxied(fleet, proxies)


class Proxied:
    """A fleet and what lies between."""

    def __init__(self, fleet: Fleet, proxies: Mapping[str, FaultProxy]) -> None:
        self.fleet = fleet
        self.proxies = proxies

    def reset(self) -> None:
        """Counts anew."""
        for proxy in self.proxies.values():
            proxy.reset()

    @property
    def trips(self) -> dict[str, int]:
        """Round trips of each server since the last reset."""
        return {name: proxy.wire.trips for name, proxy in self.proxies.items()}

    @property
    def received(self) -> int:
        """Bytes that came from all of them."""
        return sum(proxy.wire.received for proxy in self.proxies.values())
