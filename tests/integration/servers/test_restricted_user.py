"""A user with only `+@read +@connection -@dangerous +info` reads everything that sqtui shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidekiq_tui.servers.diagnose import diagnose
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place

RIGHTS = ("+@read", "+@connection", "-@dangerous", "+info")


@pytest.fixture
async def reader_url(raw: Any, redis_url: str, load_dump: Any) -> str:
    load_dump("8.1.7", ttl=True)
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">secret", "~*", *RIGHTS)
    return redis_url.replace("unix://", "unix://reader:secret@")


@pytest.fixture
async def server(reader_url: str) -> AsyncIterator[Server]:
    server = Server(Profile.from_url(reader_url, "r"))
    yield server
    await server.close()


async def test_everything_can_be_read(server: Server) -> None:
    overview = await server.overview()
    assert dict(overview.denied) == {}
    assert overview.queues
    assert overview.redis.version is not None
    for kind in ("retry", "schedule", "dead"):
        assert (await server.page(Place(kind), 0, 10)).size > 0
    assert (await server.page(Place("queue", "default"), 0, 10)).jobs
    processes, _ = await server.workers()
    assert processes
    assert (await server.history(5)).days
    found = [part async for part in server.scan(Place("retry"), parse_filter("class:Hard"))]
    assert found
    assert found[-1].complete
    jid = (await server.page(Place("queue", "default"), 0, 1)).jobs[0].jid
    assert jid is not None
    assert any(part.jobs for part in [part async for part in server.find_jid(jid)])
    assert [progress async for progress in server.read_errors()][-1].complete
    assert (await server.refresh_errors()).skipped == 0
    board = server.errors.board
    assert board is not None
    assert not board.denied
    assert await server.error_job(board.groups[0].cause) is not None


async def test_the_test_finds_nothing_wrong(reader_url: str) -> None:
    result = await diagnose(Profile.from_url(reader_url, "r"))
    assert result.error is None
    assert result.findings == []
    facts = dict(result.facts)
    assert facts["user"] == "reader"
    assert facts["rights"] == "all reads work"
    assert "8.1.7" in facts["sidekiq"]


async def test_without_more_rights_only_those_panels_are_missing(raw: Any, reader_url: str) -> None:
    await raw.execute_command("ACL", "SETUSER", "reader", "-info", "-zrange", "-zscan")
    server = Server(Profile.from_url(reader_url, "r"))
    try:
        overview = await server.overview()
        assert set(overview.denied) == {"redis"}
        assert overview.dead is not None
        with pytest.raises(Forbidden):
            await server.page(Place("retry"), 0, 10)
    finally:
        await server.close()
    result = await diagnose(Profile.from_url(reader_url, "r"))
    assert result.ok
    said = " ".join(finding.text for finding in result.findings)
    for command in ("INFO", "ZRANGE", "ZSCAN"):
        assert f"may not run {command}" in said
    assert "rights" not in dict(result.facts)
