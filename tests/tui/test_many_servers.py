"""One deed on several servers, by keyboard: one dialog that names each, and how it came out on each."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.support.across import SERVERS, across_app, interleaved
from tests.support.fault_link import Command, Fault, FaultLink
from tests.support.fleets import client, fill_sets
from tests.support.job_lists import NOW, job, ready
from tests.support.live import Live
from tests.tui.conftest import GoldenScreen

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])


def sizes(server: EmbeddedRedis, key: str) -> list[int]:
    """How many entries the key has on each server."""
    found = []
    for database in range(len(SERVERS)):
        with client(server, database) as one:
            found.append(one.zcard(key) if one.type(key) != b"list" else one.llen(key))
    return found


async def dialog(live: Live, title: str) -> None:
    """Waits for the question."""
    await live.sees(title)
    await live.until(lambda: live.app.screen.is_modal)


async def filtered(live: Live) -> None:
    """Looks for what all jobs have; whichever server answers first, the cursor is at the top."""
    await live.pilot.press("/", *"class:Job", "enter")
    await live.until(lambda: "30 match" in live.text or "30 of 30" in live.text)
    await live.pilot.press("g", "g")
    await live.until(lambda: live.table.cursor == 0)


@SIZES
async def test_marks_on_several_servers_are_one_question_and_one_undo(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    fill_sets(many_databases, "retry", interleaved(30))
    async with across_app(many_databases, size=size) as live:
        await ready(live)
        await live.pilot.press("space", "space", "space", "space", "space", "D")
        await dialog(live, "Delete 5 jobs on 3 servers")
        await golden_screen(f"many-marks-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press(*"prod", "enter")
        await live.sees("deleted 5 on 3 servers")
        assert sizes(many_databases, "retry") == [8, 8, 9]
        await live.sees("Retries 25")
        await live.until(lambda: "retries 25 " in live.text or "retry 25 " in live.text)
        await live.pilot.press("u")
        await dialog(live, "Undo: put back 5 entries on 3 servers")
        await golden_screen(f"many-undo-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press(*"prod", "enter")
        await live.sees("put back 5 on 3 servers")
        assert sizes(many_databases, "retry") == [10, 10, 10]


@SIZES
async def test_a_filter_over_all_tells_who_is_missing_and_who_may_not(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    """The plan looks anew: what came after the filter was read is counted, too."""
    fill_sets(many_databases, "retry", interleaved(30))
    async with across_app(many_databases, size=size, away=True, access={"dev": "read-only"}) as live:
        await ready(live)
        await filtered(live)
        await live.pilot.press("Z")  # the picture does not depend on polls
        with client(many_databases, 1) as staging:
            staging.zadd("retry", {job(100): NOW + 500})
        await live.pilot.press("A", "R")
        await dialog(live, "Retry 21 jobs on 2 of 4 servers")
        await golden_screen(f"many-filter-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press(*"prod", "enter")
        await live.sees("retried 21 on 2 servers")
        await live.sees("without dev, mail")
    assert sizes(many_databases, "retry") == [0, 0, 10]


async def test_an_error_group_is_retried_everywhere(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "retry", [{}, {}, {}])
    for database in range(3):
        with client(many_databases, database) as raw:
            for number in range(4):
                error = "Net::ReadTimeout" if number < 3 or database else "KeyError"
                failed = {"class": "Charge", "error_class": error, "error_message": "slow"}
                raw.zadd("retry", {job(number, **failed): NOW + number})
    async with across_app(many_databases, view="errors") as live:
        await live.sees("2 errors")
        await live.until(lambda: "3 servers" in live.body)
        rows = {row.group.cause.error_class: index for index, row in enumerate(live.screen._rows)}  # type: ignore[attr-defined]
        live.table.place(rows["Net::ReadTimeout"])
        await live.pilot.press("M")
        await live.sees("one at a time")
        await live.pilot.press("R")
        await dialog(live, "Retry 11 jobs on 3 servers")
        await live.pilot.press(*"prod", "enter")
        await live.sees("retried 11 on 3 servers")
    assert sizes(many_databases, "retry") == [1, 0, 0]
    assert sizes(many_databases, "queue:default") == [3, 4, 4]


@SIZES
async def test_a_queue_is_cleared_on_all_that_have_it(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    fill_sets(many_databases, "retry", [{}, {}, {}])
    for database in (0, 1):
        with client(many_databases, database) as raw:
            raw.sadd("queues", "mail")
            raw.lpush("queue:mail", *(job(number, queue="mail") for number in range(5 + database)))
    async with across_app(many_databases, view="queues", size=size, away=True) as live:
        await ready(live)
        await live.pilot.press("l")
        await live.until(lambda: live.screen.subject() is not None and bool(live.screen.subject().wider))  # type: ignore[union-attr]
        await live.pilot.press("p")  # without Sidekiq Pro nobody would obey
        await live.sees("nothing can be done")
        await live.pilot.press("X")
        await dialog(live, "Clear queue mail: 11 jobs on 2 of 3 servers")
        await live.pilot.press(*"prod", "enter")
        await live.sees("That is not it")
        await golden_screen(f"many-clear-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press(*" staging", "enter")
        await live.sees("cleared 11 on 2 servers")
        assert sizes(many_databases, "queue:mail") == [0, 0, 0]


@SIZES
async def test_all_workers_in_view_are_quieted(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    fill_sets(many_databases, "retry", [{}, {}, {}])
    for database in range(3):
        with client(many_databases, database) as raw:
            for number in range(database + 1):
                identity = f"web-{database}{number}:1:ab"
                info = {"hostname": f"web-{database}{number}", "pid": 1, "concurrency": 5, "queues": ["mail"]}
                raw.sadd("processes", identity)
                beat = {"info": json.dumps(info), "busy": 0, "beat": time.time(), "quiet": "false"}
                raw.hset(identity, mapping=beat)
                raw.expire(identity, 600)
    async with across_app(many_databases, view="workers", size=size) as live:
        await ready(live)
        await live.until(lambda: "6 processes" in live.body and "without" not in live.body)
        await live.pilot.press("Q")
        await live.sees("6 processes on 3 servers")
        await live.pilot.press("k", "enter")
        await dialog(live, "Quiet 6 processes on 3 servers")
        await golden_screen(f"many-quiet-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press(*"prod", "enter")
        await live.sees("asked to go quiet 6 on 3 servers")
    for database in range(3):
        with client(many_databases, database) as raw:
            for number in range(database + 1):
                assert raw.lrange(f"web-{database}{number}:1:ab-signals", 0, -1) == [b"TSTP"]


async def test_one_that_dies_on_the_way_is_told_and_the_others_are_done(
    many_databases: EmbeddedRedis, tmp_path: Path
) -> None:
    fill_sets(many_databases, "dead", interleaved(30))
    async with FaultLink(str(many_databases.socket), tmp_path) as link:

        def strike(number: int, command: Command) -> None:
            if any(b'"class"' in part for part in command):  # the first batch arrives, its answer does not
                link.faults = {number: Fault.LOSE}
                link.down = True

        sockets = {"staging": link.socket}
        async with across_app(many_databases, view="dead", sockets=sockets) as live:
            await ready(live)
            await filtered(live)
            await live.pilot.press(
                "A", "Z", "D"
            )  # what the polls say of the server's state meanwhile is another matter
            await dialog(live, "Delete 30 jobs on 3 servers")
            link.on_command = strike
            await live.pilot.press(*"prod", "enter")
            await live.sees("staging checking")
            assert "2 ended" in live.text
            await live.pilot.press("ctrl+x")
            await dialog(live, "how it came out")
            for line in ("prod     deleted 10 ", "staging  the outcome is unknown until", "dev      deleted 10 "):
                await live.sees(line)
            await live.pilot.press("escape")
            await live.until(lambda: not live.app.screen.is_modal)
            assert "30 match" in live.text
            await live.pilot.press("Z")
            await live.sees("  0 match, all read")
        assert [sizes(many_databases, "dead")[at] for at in (0, 2)] == [0, 0]


async def test_what_ended_under_a_dialog_is_read_again_when_that_is_closed(
    many_databases: EmbeddedRedis, tmp_path: Path
) -> None:
    fill_sets(many_databases, "dead", interleaved(30))
    async with FaultLink(str(many_databases.socket), tmp_path) as link:

        def strike(number: int, command: Command) -> None:
            if any(b'"class"' in part for part in command):
                link.faults = {number: Fault.LOSE}
                link.down = True

        async with across_app(many_databases, view="dead", sockets={"staging": link.socket}) as live:
            await ready(live)
            await filtered(live)
            await live.pilot.press("A", "D")
            await dialog(live, "Delete 30 jobs on 3 servers")
            link.on_command = strike
            await live.pilot.press(*"prod", "enter")
            await live.sees("2 ended")
            await live.pilot.press("?")
            await live.until(lambda: live.app.screen.is_modal)
            link.on_command, link.faults, link.down = None, {}, False
            operations = live.state.operations
            assert operations is not None
            await live.until(lambda: all(run.outcome is not None for run in operations.runs))
            await live.pilot.press("escape")
            await live.sees("  0 match, all read")


async def test_a_filtered_list_is_read_again_when_the_outcome_was_read(
    many_databases: EmbeddedRedis, tmp_path: Path
) -> None:
    """A server whose answer was lost keeps nobody from seeing what became of the others."""
    fill_sets(many_databases, "dead", interleaved(30))
    async with FaultLink(str(many_databases.socket), tmp_path) as link:

        def strike(number: int, command: Command) -> None:
            if any(b'"class"' in part for part in command):  # the first batch arrives, its answer does not
                link.faults = {number: Fault.LOSE}
                link.down = True

        async with across_app(many_databases, view="dead", sockets={"staging": link.socket}) as live:
            await ready(live)
            await filtered(live)
            await live.pilot.press("A", "D")
            await dialog(live, "Delete 30 jobs on 3 servers")
            link.on_command = strike
            await live.pilot.press(*"prod", "enter")
            await live.sees("2 ended")
            await live.pilot.press("ctrl+x")
            await dialog(live, "how it came out")
            await live.pilot.press("escape")
            await live.until(lambda: not live.app.screen.is_modal)
            await live.until(lambda: not live.table._rows.size)


@SIZES
async def test_one_that_refuses_at_the_last_moment_is_told_in_a_dialog(
    many_databases: EmbeddedRedis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    """Somebody made its profile read-only while the question was open: the guard looks at it as it is then."""
    fill_sets(many_databases, "dead", interleaved(30))
    async with across_app(many_databases, view="dead", size=size) as live:
        await ready(live)
        await filtered(live)
        await live.pilot.press("A", "Z", "D")  # the picture does not depend on what is read meanwhile
        await dialog(live, "Delete 30 jobs on 3 servers")
        staging = live.server("staging")
        staging.profile = replace(staging.profile, access="read-only")
        await live.pilot.press(*"prod", "enter")
        await dialog(live, "how it came out")
        await live.sees("staging  staging is read-only here")
        await golden_screen(f"many-outcomes-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("q", "Z", "ctrl+r")
        await live.until(lambda: "10 match, all read" in live.text or "10 of " in live.text)
        await live.pilot.press("u")
        await dialog(live, "Undo: put back 20 entries on 2 servers")
    assert sizes(many_databases, "dead") == [0, 10, 0]


async def test_what_a_worker_took_meanwhile_is_told_for_its_server(many_databases: EmbeddedRedis) -> None:
    fill_sets(many_databases, "retry", interleaved(6))
    async with across_app(many_databases) as live:
        await ready(live)
        await live.pilot.press("space", "space", "D")
        await dialog(live, "Delete 2 jobs on 2 servers")
        with client(many_databases, 1) as staging:
            staging.zrem("retry", job(1))
        await live.pilot.press(*"prod", "enter")
        await live.sees("deleted 1, 1 was no longer there on 2 servers")
    assert sizes(many_databases, "retry") == [1, 1, 2]
