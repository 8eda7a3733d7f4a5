"""The workers screen on a real Redis: the tree, its notes, folding, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.presentation.columns.worker_tree import ProcessRow, WorkRow
from sidekiq_tui.tui.screens.job import JobScreen
from sidekiq_tui.tui.screens.workers import MOST_READ, WorkersScreen
from tests.conftest import LoadDump
from tests.support.fleet import fleet, process, working
from tests.support.hostile import CONTROL_PATTERN
from tests.support.live import Live, live_app
from tests.support.tui import NOW


def at_now(url: str, size: tuple[int, int] = (120, 40), **options: Any) -> Any:
    return live_app(url, view="workers", size=size, clock=lambda: NOW, **options)


async def shown(live: Live) -> None:
    await live.sees("NightlyReportJob")


def here(live: Live) -> Any:
    """The row under the cursor."""
    return live.table.current


async def refreshed(live: Live, moved: list[float]) -> None:
    """Two seconds later it has been read again, however slow this machine is."""
    screen = front(live)
    read = screen.read_at
    screen._costs.clear()
    moved[0] += 2
    await live.polled()
    await live.until(lambda: screen.read_at != read)
    await live.until(lambda: all(worker.is_finished for worker in live.app.workers))


def front(live: Live) -> WorkersScreen:
    assert isinstance(live.screen, WorkersScreen)
    return live.screen


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
        screen, server = front(live), live.server()
        await live.until(lambda: bool(screen._usual._asked))
        before = server.trips
        await refreshed(live, moved)
        assert server.trips - before == 2, "the poll, and the work"
        await live.pilot.press("g", "d")
        await live.sees("Processed")
        await live.until(lambda: all(worker.is_finished for worker in live.app.workers))
        before = server.trips
        moved[0] += 60
        await live.polled()
        await live.pilot.pause()
        assert server.trips - before == 1


async def test_classes_that_come_and_go_are_not_asked_about_with_each_refresh(redis_url: str, raw: Any) -> None:
    identity = await process(raw, "app-1", 1)
    moved = [NOW]
    async with live_app(redis_url, view="workers", clock=lambda: moved[0]) as live:
        screen, server = front(live), live.server()
        await live.until(lambda: screen.found is not None)
        await working(raw, identity, "t", "AgedJob", 500)
        for step in range(1, 5):
            await working(raw, identity, "u", f"Job{step}", NOW - moved[0])
            before = server.trips
            await refreshed(live, moved)
            spent = server.trips - before
            assert spent == 2 or (step == 1 and spent <= 4), "what is usual is asked once, of what runs for long"
        assert set(screen._usual._asked) == {"AgedJob"}


async def test_what_is_long_depends_on_what_is_usual(
    redis_url: str, raw: Any, load_dump: LoadDump, expected: Callable[[str], dict[str, Any]]
) -> None:
    load_dump("8.1.7")
    now = expected("8.1.7")["meta"]["now"]
    async with live_app(redis_url, view="workers", clock=lambda: now) as live:
        screen = front(live)
        await live.until(lambda: screen.found is not None)
        name = "Billing::Invoices::ChargeCardJob"
        usual = await live.server().usual_times([name])
        identity = screen.processes[0].identity
        await raw.hset(identity, mapping={"beat": repr(now)})
        seconds = 3 * max(usual[name], 10)
        payload = json.dumps({"class": name, "jid": "00ff", "args": []})
        said = {"queue": "default", "payload": payload, "run_at": now - seconds}
        await raw.hset(f"{identity}:work", "zzz", json.dumps(said))
        live.app.action_refresh_now()
        await live.until(lambda: any(job.work.tid == "zzz" and job.runs_long(now) for job in screen._all_jobs))
        await live.pilot.press("j")
        await live.sees("95 of 100 take under")


async def test_big_fleets_are_folded_and_read_in_one_trip_where_they_are_unfolded(redis_url: str, raw: Any) -> None:
    for number in range(MOST_READ + 20):
        identity = await process(raw, f"app-{number:03}", number, busy=1)
        await working(raw, identity, "t", "HugeJob", 5)
    async with at_now(redis_url) as live:
        await live.sees("▸ app-000:0")
        screen, server = front(live), live.server()
        await live.until(lambda: screen.read_at is not None)
        assert not screen.found, "nothing is read that is not shown"
        await live.sees("jobs are read where they are unfolded")
        before = server.trips
        await live.pilot.press("l")
        await live.sees("HugeJob")
        assert server.trips - before == 1
        assert [work.identity for work in screen.found or ()] == ["app-000:0:aa"]


async def test_what_is_dear_is_read_less_often(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        screen = front(live)
        assert 0 < screen._costs[0] < 5
        for seconds, pause in ((0.001, 1.0), (0.4, 8.0), (9.0, 30.0)):
            screen._costs.clear()
            screen._costs += [seconds, seconds + 5]
            assert screen.pause == pytest.approx(pause)


async def test_jobs_that_match_are_shown_though_their_process_is_folded(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("H")
        await live.until(lambda: "▸ app-1:5916" in live.text)
        live.screen.apply_filter("nightly")
        await live.sees("▾ app-1:5916")
        await shown(live)
        await live.pilot.press("h")
        await live.sees("its jobs match the filter; esc clears it")
        await live.pilot.press("escape")
        await live.sees("▸ app-1:5916")


async def test_what_is_left_of_dead_processes(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    moved = [NOW]
    async with live_app(redis_url, view="workers", clock=lambda: moved[0]) as live:
        await live.sees("orphaned")
        lines = live.body.splitlines()
        at = next(number for number, line in enumerate(lines) if "app-9:44:bb" in line)
        assert "✗ gone" in lines[at]
        assert "LeftJob" in lines[at + 1]
        await raw.srem("processes", "app-9:44:bb")
        await refreshed(live, moved)
        await live.until(lambda: "app-9" not in live.text)


async def test_the_cursor_stays_on_its_job_while_others_come_and_go(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    moved = [NOW]
    async with live_app(redis_url, view="workers", clock=lambda: moved[0]) as live:
        await shown(live)
        await live.pilot.press("j", "j", "j")
        job = here(live).work.job.raw
        new = await process(raw, "aaa-1", 1, busy=1)
        await working(raw, new, "1", "EarlyJob", 50_000)
        await raw.hdel("app-1:5916:aa:work", "3wm")
        await refreshed(live, moved)
        await live.sees("EarlyJob")
        await live.until(lambda: "NightlyReportJob" not in live.text)
        assert here(live).work.job.raw == job


async def test_neighbours_of_an_opened_job_are_the_jobs_of_the_tree(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("j", "enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.sees("1 of 6 in Workers")
        await live.pilot.press(">")
        await live.sees("2 of 6 in Workers")
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, WorkersScreen))
        assert here(live).work.job.display_class == "Invoice::ChargeJob"


async def test_folding_all_takes_the_cursor_to_the_process(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        live.table.go_to(5)
        await live.pilot.press("H")
        assert here(live).process.identity == "app-2:5920:aa"


async def test_copying_needs_a_job(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        assert "copy JID" not in live.text
        await live.pilot.press("j")
        await live.sees("copy JID")
        await live.pilot.press("y")
        await live.sees("JID 00000000… sent to the terminal")


async def test_sorting_says_what_it_does_and_starts_with_trouble(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.pilot.press("H")
        for words, arrow, first in (
            ("state, trouble first", "state↓", "app-9"),
            ("memory, most first", "memory↓", "app-1"),
            ("their longest job, longest first", "running↓", "app-1"),
            ("busy threads, most first", "threads↓", "mail-2"),
            ("heartbeat, oldest first", "beat↓", "old-1"),
            ("version, oldest first", "version↑", "batch-1"),
            ("name", "process / job↑", "app-1"),
        ):
            await live.pilot.press("o")
            await live.sees(f"processes by {words}")
            assert arrow in live.text
            assert first in live.body.splitlines()[2]
        await live.pilot.press("O")
        await live.sees("process / job↓")
        assert "web-1" in live.body.splitlines()[2]


async def test_another_server_has_its_own_work_and_folds(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    other = redis_url.replace("db=0", "db=1")
    async with live_app(redis_url, other, view="workers", clock=lambda: NOW) as live:
        await shown(live)
        await live.pilot.press("H", "2")
        await live.sees("No processes on server-2")
        assert "app-1" not in live.body
        await live.pilot.press("1")
        await live.sees("▸ app-1:5916")
        assert "NightlyReportJob" not in live.body.split("✗ nobody")[0]


async def test_frozen_reads_nothing(redis_url: str, raw: Any) -> None:
    await fleet(raw)
    async with at_now(redis_url) as live:
        await shown(live)
        await live.until(lambda: all(worker.is_finished for worker in live.app.workers))
        await live.pilot.press("Z")
        before = live.server().trips
        live.screen.refresh_now()
        await live.pilot.pause()
        assert live.server().trips == before


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
