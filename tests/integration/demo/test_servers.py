"""The demo's data and traffic in a real server, read by sqtui's own data layer; and the ways to it."""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.asyncio

from sidekiq_tui.demo import place as places
from sidekiq_tui.demo.dataset import HOSTILE_QUEUE, Dataset
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.demo.place import Place, reap
from sidekiq_tui.demo.plans import Outage, plans
from sidekiq_tui.demo.proxy import Proxy
from sidekiq_tui.demo.supervisor import _send
from sidekiq_tui.servers.profile_store import load_profiles
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.overview import OverviewReader


async def test_the_overview_shows_what_the_plan_says(raw: redis.asyncio.Redis, db: Database) -> None:
    plan, now = plans(1)[0], time.time()
    await _send(raw, Dataset(plan, "7", now).base())
    seen = await OverviewReader(db).read(now)
    assert (seen.retries, seen.scheduled, seen.dead) == (plan.retries + 10, plan.scheduled + 10, plan.dead + 10)
    assert (seen.overdue_retries, seen.overdue_scheduled) == (0, 0)
    sizes = {queue.name: queue.size for queue in seen.queues}
    assert sizes.pop(HOSTILE_QUEUE)
    assert sizes == dict(plan.waiting)
    assert [process.stale for process in seen.processes] == [True]
    assert len(seen.ghosts) == 1
    assert not seen.denied


@pytest.fixture
def backend(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedRedis, redis_url: str) -> Path:
    return redis_server.socket


async def ping(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(b"PING\r\n")
        return await reader.read(100)
    finally:
        writer.close()


async def test_a_far_server_answers_late(backend: Path, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "p.sock", backend, delay=0.2)
    await proxy.listen()
    try:
        began = asyncio.get_running_loop().time()
        assert await ping(proxy.path) == b"+PONG\r\n"
        assert asyncio.get_running_loop().time() - began >= 0.2 * 0.85
        assert stat.S_IMODE(proxy.path.stat().st_mode) == 0o700
    finally:
        await proxy.close()
    assert not proxy.path.exists()


async def test_a_server_that_went_away_cuts_refuses_and_comes_back(backend: Path, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "p.sock", backend)
    await proxy.listen()
    try:
        reader, writer = await asyncio.open_unix_connection(str(proxy.path))
        writer.write(b"PING\r\n")
        assert await reader.read(100) == b"+PONG\r\n"
        await proxy.refuse()
        assert await reader.read(100) == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await ping(proxy.path)
        await proxy.listen()
        assert await ping(proxy.path) == b"+PONG\r\n"
    finally:
        await proxy.close()


async def test_outages_follow_the_clock(backend: Path, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "p.sock", backend)
    await proxy.listen()
    keeper = asyncio.create_task(proxy.keep(Outage(first=0.01, every=0.04, lasts=0.02)))
    try:
        async with asyncio.timeout(20):
            for wanted in (False, True, False, True):
                while proxy.open is not wanted:  # noqa: ASYNC110 (nobody but this test wants to know)
                    await asyncio.sleep(0.001)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await proxy.close()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary folders with a short path: sockets must lie in it."""
    with tempfile.TemporaryDirectory(prefix="sq-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


def test_the_settings_open_every_server_and_hold_no_password(temporary: Path) -> None:
    place = Place()
    addresses = [place.address(plan) for plan in plans(5)]
    found = load_profiles(place.write(addresses))
    assert not found.problems
    assert {profile.name: (profile.socket, profile.label, profile.group) for profile in found.profiles} == {
        one.plan.name: (str(one.socket), one.plan.label, one.plan.group) for one in addresses
    }
    assert len({one.password for one in addresses}) == 5
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    for file in place.folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(one.password in found.path.read_text() for one in addresses)
    place.remove()
    assert not list(temporary.iterdir())


def test_a_long_path_of_temporary_folders_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / ("x" * 80)))
    place = Place()
    assert place.folder.parent == Path("/tmp")
    longest = max((place.address(plan) for plan in plans(50)), key=lambda one: len(one.backend))
    server = EmbeddedRedis.start(place.folder, name=longest.backend)
    server.stop()
    place.remove()


def test_only_what_a_dead_demo_left_is_removed(temporary: Path, embedded: object) -> None:
    living = Place()
    dead = Place()
    os.close(dead._lock)
    elsewhere = temporary / "mine"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (temporary / f"{places.PREFIX}link").symlink_to(elsewhere)
    reap()
    assert living.folder.exists()
    assert not dead.folder.exists()
    assert (elsewhere / "lock").exists()
    living.remove()


def test_servers_of_a_dead_demo_are_ended_but_no_other_process(temporary: Path, redis_binary: Path) -> None:
    dead = Place()
    server = EmbeddedRedis.start(dead.folder, binary=redis_binary)
    other = EmbeddedRedis.start(temporary / "other", binary=redis_binary)
    try:
        dead.note([server.process.pid, other.process.pid])
        os.close(dead._lock)
        reap()
        assert server.process.wait(20) is not None
        assert other.process.poll() is None
    finally:
        server.stop()
        other.stop()
