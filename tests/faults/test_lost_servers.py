"""Servers that go away, freeze, refuse and come back, under running pollers."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers import connection, poller
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, ServerTimeout, ServerUnreachable
from tests.support.proxy import FaultProxy
from tests.support.watch import Watched, eventually


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same behaviour in a fraction of the time."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.3)
    monkeypatch.setattr(poller, "COST_SHARE", 1.0)
    monkeypatch.setattr(poller, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(poller, "LONGEST_RETRY", 0.1)
    monkeypatch.setattr(poller, "REFUSED_RETRY", 0.1)


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        yield proxy


def has_processed(total: int, snapshot: ServerSnapshot) -> bool:
    return snapshot.overview is not None and snapshot.overview.processed == total


def profile(url: str, name: str = "a") -> Profile:
    return replace(Profile.from_url(url, name), poll_interval=0.05)


async def test_a_killed_server_is_stale_at_once_and_heals_by_itself(
    proxy: FaultProxy, redis_url: str, raw: Any
) -> None:
    async with Watched(profile(proxy.url), profile(redis_url, "other")) as watched:
        for processed in range(1, 6):
            await raw.set("stat:processed", processed)
            good = await watched.until(partial(has_processed, processed), server="a")
        assert good.rates is not None
        await proxy.close()
        lost = await watched.until(lambda s: s.error is not None, server="a")
        assert lost.health.state == "offline"
        assert str(proxy.socket) in lost.health.reasons[0].text
        assert lost.overview is not None
        assert lost.overview.processed == 5
        assert lost.rates is None
        assert lost.stale(lost.taken_at or 0.0)
        assert lost.next_try_at is not None
        third = await watched.until(lambda s: s.attempt >= 3, server="a")
        assert third.state_since == lost.state_since
        before = len(watched.of("other"))
        await watched.until(lambda s: len(watched.of("other")) >= before + 3, server="other")
        assert all(snapshot.error is None for snapshot in watched.of("other"))
        await proxy.listen()
        back = await watched.until(lambda s: s.error is None and s.attempt == 0, server="a")
        assert back.health.state == "ok"
        assert back.rates is None
        assert back.next_try_at is None
        assert not back.stale(back.taken_at or 0.0)
        await proxy.close()
        again = await watched.until(lambda s: s.error is not None, server="a")
        assert again.attempt == 1  # what was lost before does not count any more


async def test_a_silent_server_is_slow_then_offline_and_holds_nobody_up(proxy: FaultProxy, redis_url: str) -> None:
    async with Watched(profile(proxy.url), profile(redis_url, "other")) as watched:
        await watched.until(lambda s: s.overview is not None, server="a")
        proxy.swallow = True
        waiting = await watched.until(lambda s: s.health.state == "slow", server="a")
        assert waiting.error is None  # it owes an answer: said before any timeout
        assert waiting.health.reasons[0].subject == "no answer"
        before = len(watched.of("other"))
        timed_out = await watched.until(lambda s: s.error is not None, server="a")
        assert isinstance(timed_out.error, ServerTimeout)
        assert timed_out.health.state == "slow"
        assert len(watched.of("other")) > before
        gone = await watched.until(lambda s: s.health.state == "offline", server="a")
        assert gone.attempt == 3
        proxy.swallow = False
        await watched.until(lambda s: s.health.state == "ok", server="a")


async def test_stopping_does_not_wait_for_an_answer(proxy: FaultProxy) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        proxy.swallow = True
        async with Watched(profile(proxy.url)) as watched:
            await eventually(lambda: bool(proxy.wire.commands))
        assert all(snapshot.overview is None for snapshot in watched.seen)
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("poll", "read"))]
        del watched
        gc.collect()


async def test_refresh_does_not_wait_for_the_next_try(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "FIRST_RETRY", 3600.0)
    monkeypatch.setattr(poller, "LONGEST_RETRY", 3600.0)
    await proxy.close()
    async with Watched(profile(proxy.url)) as watched:
        await watched.until(lambda s: s.error is not None)
        await proxy.listen()
        watched.registry.refresh("a")
        await watched.until(lambda s: s.health.state == "ok")


async def test_connections_cut_between_polls_cost_at_most_one_try(proxy: FaultProxy) -> None:
    async with Watched(profile(proxy.url)) as watched:
        await watched.until(lambda s: s.overview is not None)
        proxy.cut()
        await watched.until(lambda s: s.error is None)
        assert max(snapshot.attempt for snapshot in watched.seen) <= 1


async def test_a_wrong_password_is_forbidden_and_a_changed_one_lets_in(
    embedded: Callable[..., EmbeddedRedis], tmp_path: Path
) -> None:
    server = embedded(password="right")
    file = tmp_path / "password"
    file.write_text("wrong")
    file.chmod(0o600)
    changed = replace(profile(f"unix://{server.socket}"), password_file=str(file))
    async with Watched(changed) as watched:
        refused = await watched.until(lambda s: s.error is not None)
        assert isinstance(refused.error, AuthenticationFailed)
        assert refused.health.state == "forbidden"
        await asyncio.to_thread(file.write_text, "right")
        await watched.until(lambda s: s.health.state == "ok")


async def test_a_missing_password_is_asked_for_once(embedded: Callable[..., EmbeddedRedis]) -> None:
    place = embedded(password="right")
    answers = ["wrong", "right"]
    asked: list[str] = []

    async def source(profile: Profile) -> str | None:
        asked.append(profile.name)
        return answers.pop(0)

    server = Server(profile(f"unix://{place.socket}"), password_source=source)
    try:
        for _ in range(2):
            with pytest.raises(AuthenticationFailed):
                await server.overview()
        assert asked == ["a"]
        server.ask_again()
        await server.overview()
        await server.overview()
        assert asked == ["a", "a"]
    finally:
        await server.close()


async def test_a_hanging_name_lookup_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        release.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    server = Server(Profile(name="a", host="hangs.example"))
    with pytest.raises(ServerTimeout):
        await server.overview()
    await server.close()
    release.set()


async def test_a_server_that_trickles_ends_in_time(tmp_path: Path) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"+OK\r\n"[:1])
                await asyncio.sleep(0.05)
        except (OSError, asyncio.CancelledError):
            writer.close()

    listener = await asyncio.start_unix_server(trickle, tmp_path / "s")
    server = Server(Profile(name="a", socket=str(tmp_path / "s")), timeout=0.5)
    with pytest.raises(ServerTimeout):
        await server.overview()
    await server.close()
    listener.close()


async def test_an_unknown_host_and_a_closed_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = Server(Profile(name="a", host="127.0.0.1", port=taken.getsockname()[1]))
        with pytest.raises(ServerUnreachable, match="refused"):
            await closed.overview()
        await closed.close()
    unknown = Server(Profile(name="a", host="host.invalid"))
    with pytest.raises(ServerUnreachable):
        await unknown.overview()
    await unknown.close()


async def test_a_mistake_in_reading_one_server_does_not_end_its_poller(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Watched(profile(proxy.url)) as watched:
        await watched.until(lambda s: s.overview is not None)

        async def broken(now: float | None = None) -> Any:
            raise KeyError("a job's secret")

        with monkeypatch.context() as patched:
            patched.setattr(watched.registry.server("a"), "overview", broken)
            failed = await watched.until(lambda s: s.error is not None)
            assert "secret" not in str(failed.error)
        await watched.until(lambda s: s.health.state == "ok")
