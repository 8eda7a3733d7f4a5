"""The workers screen on a real Redis: the tree, its notes, folding, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.presentation.columns.workers import ProcessRow, WorkRow
from sidekiq_tui.tui.screens.job import JobScreen
from tests.conftest import LoadDump
from tests.support.hostile import CONTROL_PATTERN
from tests.support.live import Live, live_app
from tests.tui.conftest import GoldenScreen

NOW = 1_800_000_000.0
SIZES = ((120, 40), (80, 24), (60, 20))


async def process(raw: Any, name: str, pid: int, *, beat: float = 2.0, ttl: bool = True, **said: Any) -> str:
    """Writes a process as Sidekiq 8 would; `said` overrides fields of hash and info."""
    identity = f"{name}:{pid}:aa"
    info = {
        "hostname": name,
        "pid": pid,
        "tag": said.get("tag", "shop"),
        "started_at": NOW - said.get("up", 90_000),
        "concurrency": said.get("concurrency", 5),
        "queues": list(said.get("queues", {"default": 1})),
        "capsules": {
            "default": {"concurrency": 5, "mode": "weighted", "weights": said.get("queues", {"default": 1})},
            **said.get("capsules", {}),
        },
        "labels": said.get("labels", []),
        "version": said.get("version", "8.1.7"),
        "embedded": said.get("embedded", False),
        "identity": identity,
    }
    fields = {
        "info": json.dumps(info),
        "busy": said.get("busy", 0),
        "concurrency": said.get("concurrency", 5),
        "beat": repr(NOW - beat),
        "quiet": said.get("quiet", "false"),
        "rss": said.get("rss", 480 * 1024),
        "rtt_us": 400,
    }
    await raw.sadd("processes", identity)
    await raw.hset(identity, mapping=fields)
    if ttl:
        await raw.expire(identity, 60)
    for signal in said.get("signals", ()):
        await raw.lpush(f"{identity}-signals", signal)
    return identity


async def working(
    raw: Any, identity: str, tid: str, name: str, runs: float, *args: object, queue: str = "default"
) -> None:
    """Writes a job in progress."""
    payload = json.dumps({"class": name, "args": args, "jid": f"{tid:0>24}", "queue": queue})
    said = {"queue": queue, "payload": payload, "run_at": int(NOW - runs)}
    await raw.hset(f"{identity}:work", tid, json.dumps(said))


async def fleet(raw: Any) -> None:
    """A little of everything."""
    first = await process(raw, "app-1", 5916, busy=3, queues={"critical": 4, "default": 1}, labels=["reliable"])
    await working(raw, first, "3wm", "NightlyReportJob", 15_120, "2026-11", queue="reports")
    await working(raw, first, "3x6", "ThumbnailJob", 0, 240, "img/240.png")
    await working(raw, first, "3yc", "Invoice::ChargeJob", 1, 88, {"currency": "EUR"}, queue="critical")
    second = await process(raw, "app-2", 5920, busy=1, quiet="true")
    await working(raw, second, "4aa", "ImportJob", 411, "s3://in/2026-11.csv")
    lost = await process(raw, "mail-2", 77, beat=84, queues={"mailers": 0}, busy=5)
    await working(raw, lost, "5aa", "MailJob", 90, 1, queue="mailers")
    await process(raw, "batch-1", 9001, tag="etl", version="7.3.10", signals=["TERM"], queues={"imports": 1})
    await process(raw, "web-1", 12, tag="", embedded=True, queues={"default": 1})
    await process(raw, "old-1", 3, beat=300_000, ttl=False)
    await raw.sadd("queues", "exports", "mailers")
    for _ in range(3):
        await raw.lpush("queue:exports", json.dumps({"class": "A", "args": [], "enqueued_at": NOW - 7440}))


def at_now(redis_url: str, size: tuple[int, int] = (120, 40), **options: Any) -> Any:
    return live_app(redis_url, view="workers", size=size, clock=lambda: NOW, **options)


async def shown(live: Live) -> None:
    await live.sees("NightlyReportJob")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_fleet_golden(redis_url: str, raw: Any, golden_screen: GoldenScreen, size: tuple[int, int]) -> None:
    await fleet(raw)
    async with at_now(redis_url, size) as live:
        await shown(live)
        await live.pilot.press("j")
        await live.pilot.pause()
        await golden_screen(f"workers-{size[0]}x{size[1]}", live.pilot)


async def test_in_ascii_golden(redis_url: str, raw: Any, golden_screen: GoldenScreen) -> None:
    await fleet(raw)
    async with at_now(redis_url, (80, 24), ascii=True) as live:
        await shown(live)
        assert live.text.isascii()
        await golden_screen("workers-ascii-80x24", live.pilot)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_nothing_runs_golden(redis_url: str, golden_screen: GoldenScreen, size: tuple[int, int]) -> None:
    async with at_now(redis_url, size) as live:
        await live.sees("nothing runs jobs")
        await golden_screen(f"workers-none-{size[0]}x{size[1]}", live.pilot)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_forbidden_golden(redis_url: str, raw: Any, golden_screen: GoldenScreen, size: tuple[int, int]) -> None:
    await fleet(raw)
    await raw.execute_command(
        "ACL", "SETUSER", "guest", "on", ">pw", "~*", "+@read", "+@connection", "+info", "-hgetall"
    )
    url = redis_url.replace("unix://", "unix://guest:pw@")
    async with at_now(url, size) as live:
        await live.sees("Jobs in progress can't be read")
        await golden_screen(f"workers-forbidden-{size[0]}x{size[1]}", live.pilot)


@pytest.mark.parametrize("version", ["6.4.1", "7.3.10", "8.1.7"])
async def test_recorded_fleets_are_shown_whole(
    redis_url: str, load_dump: LoadDump, expected: Callable[[str], dict[str, Any]], version: str
) -> None:
    load_dump(version)
    answers = expected(version)
    async with live_app(redis_url, view="workers", clock=lambda: answers["meta"]["now"]) as live:
        await live.until(lambda: live.screen.found is not None)  # type: ignore[attr-defined]
        found = [live.table._rows.get(index) for index in range(live.table._rows.size)]
        identities = {row.process.identity for row in found if isinstance(row, ProcessRow)}
        tids = {row.work.tid for row in found if isinstance(row, WorkRow)}
        assert identities == {one["identity"] for one in answers["processes"]["each"]}
        assert tids == {one["tid"] for one in answers["work"]["each_oldest_first"]}


async def test_folding_keeps_the_cursor_and_survives_polls(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("j", "j", "h")
        assert live.table.cursor == 0
        await live.pilot.press("h")
        await live.until(lambda: "NightlyReportJob" not in live.text.split("✗")[0])
        assert "▸ app-1:5916" in live.text
        live.screen.show(live.state.snapshots)
        assert "▸ app-1:5916" in live.text
        await live.pilot.press("l")
        await shown(live)
        await live.pilot.press("H")
        await live.until(lambda: "ImportJob" not in live.text)
        await live.pilot.press("L")
        await live.sees("ImportJob")


async def test_enter_opens_the_job_and_toggles_the_process(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("enter")
        await live.until(lambda: "▸ app-1:5916" in live.text)
        await live.pilot.press("enter", "j", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.sees("NightlyReportJob")


async def test_trouble_first_and_the_filter(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("o")
        await live.until(lambda: live.text.index("mail-2:77") < live.text.index("app-1:5916"))
        live.screen.apply_filter("nightly")
        await live.until(lambda: "mail-2:77  " not in live.text)
        assert "app-1:5916" in live.text
        assert "ThumbnailJob" not in live.text
        live.screen.apply_filter("nobody at all")
        await live.sees("Nothing matches nobody at all")
        await live.pilot.press("escape")
        await shown(live)


async def test_a_refresh_costs_one_trip_and_a_hidden_screen_none(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    moved = [NOW]
    async with live_app(redis_url, view="workers", clock=lambda: moved[0]) as live:
        await shown(live)
        await live.until(lambda: live.screen._usual._asked)  # type: ignore[attr-defined]
        server = live.server()
        read = live.screen.read_at  # type: ignore[attr-defined]
        before = server.trips
        moved[0] += 2
        await live.polled()
        await live.until(lambda: live.screen.read_at != read)  # type: ignore[attr-defined]
        assert server.trips - before == 2, "the poll, and the work"
        await live.pilot.press("g", "d")
        await live.sees("Processed")
        await live.until(lambda: not live.app.workers or all(worker.is_finished for worker in live.app.workers))
        before = server.trips
        moved[0] += 2
        await live.polled()
        await live.pilot.pause()
        assert server.trips - before == 1


async def test_a_thousand_processes_are_folded_and_read_in_one_trip(redis_url: str, raw: Any) -> None:
    for number in range(260):
        await process(raw, f"app-{number:03}", number)
    async with at_now(redis_url) as live:
        await live.sees("▸ app-000:0")
        await live.until(lambda: live.screen.found is not None)
        await live.pilot.press("l")
        await live.sees("▾ app-000:0")


async def test_hostile_names_do_not_reach_the_terminal(redis_url: str, raw: Any) -> None:
    evil = "\x1b]0;owned\x07[red]\u202e"
    identity = await process(raw, f"host{evil}", 1, tag=evil, labels=[evil], queues={evil: 3}, version=evil)
    await working(raw, identity, f"t{evil}", f"Class{evil}", 5, evil, queue=evil)
    async with at_now(redis_url) as live:
        await live.sees("[red]")
        for _ in range(2):
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))
            await live.pilot.press("j")


async def test_work_that_is_no_json_is_shown_as_such(redis_url: str, raw: Any) -> None:
    identity = await process(raw, "app-1", 1)
    await raw.hset(f"{identity}:work", mapping={"abc": b"\xff\x00", "abd": b'{"payload":"{","queue":5}'})
    async with at_now(redis_url) as live:
        await live.sees("undecodable")
        await live.pilot.press("j", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
