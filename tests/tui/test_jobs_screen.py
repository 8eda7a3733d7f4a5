"""Lists of jobs over a real server: pages, refreshes, filters, hostile data, and servers that go away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import redis.asyncio

from sidekiq_tui.sidekiq.job import JobRecord
from tests.conftest import LoadDump, StartRedis
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.live import Live, live_app
from tests.support.proxy import FaultProxy

MILLION = 1_000_000


def job(number: int, **fields: object) -> bytes:
    """A job that a client pushed."""
    payload = {"class": "NumberJob", "args": [number], "jid": f"{number:024x}", "queue": "default"}
    return json.dumps(payload | {"created_at": 1795314000000, "enqueued_at": 1795314000000} | fields).encode()


async def push(raw: redis.asyncio.Redis, *numbers: int, queue: str = "default") -> None:
    """Pushes jobs one after the other, as clients do: the last one is at the head."""
    await raw.sadd("queues", queue)
    await raw.lpush(f"queue:{queue}", *(job(number) for number in numbers))


def under_cursor(live: Live) -> int:
    """The number of the job under the cursor."""
    found = live.table.current
    assert isinstance(found, JobRecord)
    assert isinstance(found.display_args, list)
    number = found.display_args[0]
    assert isinstance(number, int)
    return number


async def open_queue(live: Live, queue: str = "default") -> None:
    """From the list of queues to the jobs of one."""
    await live.sees(queue)
    await live.pilot.press("enter")
    await live.until(lambda: type(live.app.screen).__name__ == "QueueJobsScreen" and live.table.current is not None)


async def test_a_queue_shows_its_jobs_newest_first_and_esc_goes_back(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(60))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        assert "default 60" in live.body
        assert "1–33 of 60" in live.body
        assert [under_cursor(live), live.table.cursor] == [59, 0]

        await live.pilot.press("G")
        assert under_cursor(live) == 0
        await live.sees("28–60 of 60")
        await live.pilot.press("escape")
        await live.sees("Queues 1")


async def test_the_cursor_stays_on_its_job_while_the_queue_grows_at_the_head(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await push(raw, *range(300))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("j", "j", "j")
        assert under_cursor(live) == 296

        await push(raw, *range(300, 310))
        await live.polled()
        await live.until(lambda: "310" in live.body)
        assert (under_cursor(live), live.table.cursor) == (296, 13)

        await push(raw, *range(310, 460))
        await live.polled()
        await live.until(lambda: "460" in live.body)
        assert (under_cursor(live), live.table.cursor) == (296, 163)


async def test_rows_stand_still_below_the_top_while_the_queue_grows(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(300))
    async with live_app(redis_url, view="queues", clock=lambda: 1795314100.0) as live:
        await open_queue(live)
        await live.pilot.press("ctrl+f", "ctrl+f")
        await live.pilot.pause()
        before = live.body.splitlines()[1:]

        await push(raw, *range(300, 340))
        live.screen.refresh_now()
        await live.until(lambda: "340" in live.body)
        assert live.body.splitlines()[1:] == before
        assert "…" not in live.body


async def test_the_cursor_finds_its_job_when_everything_visible_has_moved(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await push(raw, *range(300))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("j")
        await push(raw, *range(300, 700))
        await live.polled()
        await live.until(lambda: "700" in live.body)
        assert (under_cursor(live), live.table.cursor) == (298, 401)


async def test_a_job_that_ran_leaves_the_cursor_where_it_was(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(50))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("j", "j")
        assert under_cursor(live) == 47
        await raw.lrem("queue:default", 1, job(47).decode())
        await live.polled()
        await live.until(lambda: "default 49" in live.body)
        assert (under_cursor(live), live.table.cursor) == (46, 2)


async def test_a_million_entries_open_with_one_read_of_one_page(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", "default")
    script = """for i = 1, ARGV[1], 5000 do
        local jobs = {}
        for j = 1, 5000 do jobs[j] = '{"class":"J","args":[' .. (i + j) .. ']}' end
        redis.call('RPUSH', KEYS[1], unpack(jobs))
    end"""
    await raw.eval(script, 1, "queue:default", MILLION)
    async with live_app(redis_url, view="queues", clock=lambda: 1795314100.0) as live:
        await live.sees("1.00M")
        trips = live.server().trips
        await open_queue(live)
        assert live.server().trips == trips + 1
        await live.pilot.press("G")
        await live.until(lambda: live.table.current is not None)
        assert live.server().trips == trips + 2
        assert "of 1.00M" in live.body


async def test_a_page_costs_one_trip_on_the_wire_and_only_reads(
    redis_url: str, raw: redis.asyncio.Redis, tmp_path: Any, redis_server: Any
) -> None:
    await push(raw, *range(1000))
    async with (
        FaultProxy(redis_server.socket, tmp_path) as proxy,
        live_app(proxy.url, view="queues", clock=lambda: 1795314100.0) as live,
    ):
        await live.sees("1,000")
        trips, commands = proxy.wire.trips, len(proxy.wire.commands)
        await open_queue(live)
        assert proxy.wire.trips - trips <= 2
        assert set(proxy.wire.names[commands:]) <= {"LLEN", "LRANGE", "CLIENT", "HELLO", "SELECT"}


async def test_nothing_is_read_while_frozen_or_covered(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(300))
    async with live_app(redis_url, view="queues", clock=lambda: 1795314100.0) as live:
        await open_queue(live)
        await live.pilot.press("Z")
        trips = live.server().trips
        await live.pilot.press("G")
        await live.pilot.pause(0.05)
        assert live.server().trips == trips
        assert "▌ …" in live.body
        await live.pilot.press("Z")
        await live.until(lambda: live.table.current is not None)
        assert under_cursor(live) == 0

        await live.pilot.press("?")
        trips = live.server().trips
        await live.pilot.pause(0.05)
        assert live.server().trips == trips


async def test_a_filter_reads_all_and_shows_what_matches(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(2000))
    await raw.lpush("queue:default", *(job(number, **{"class": "RareJob"}) for number in (7000, 7001)))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("/", *"class:Rare", "enter")
        await live.sees("2 match, all read")
        assert "filter class:Rare" in live.body
        assert under_cursor(live) == 7001
        await live.pilot.press("/")
        await live.pilot.press(*"class:RareX", "enter")
        await live.sees("Nothing matches class:RareX")
        await live.pilot.press("escape")
        await live.sees("default 2,002")
        assert under_cursor(live) == 7001


async def test_a_wrong_filter_says_what_is_wrong(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, 1)
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("/", *"clas:Rare", "enter")
        await live.sees("class")
        assert "filter" not in live.body


async def test_hostile_jobs_are_shown_and_none_of_their_controls_is(redis_url: str, raw: redis.asyncio.Redis) -> None:
    name = b"\x1b]52;c;aGFja2Vk\x07[/]"
    await raw.sadd("queues", name)
    await raw.rpush(b"queue:" + name, *HOSTILE_PAYLOADS)
    for size in ((120, 40), (80, 24)):
        async with live_app(redis_url, view="queues", size=size) as live:
            await live.sees("]52;c;")
            assert not CONTROL_PATTERN.search(live.text)
            await live.pilot.press("enter")
            await live.until(lambda: type(live.app.screen).__name__ == "QueueJobsScreen" and bool(live.table.current))
            seen: set[int] = set()
            while live.table.cursor not in seen:
                seen.add(live.table.cursor)
                await live.until(lambda: live.table.current is not None)
                text = live.text
                assert not CONTROL_PATTERN.search(text)
                assert all(len(line) <= size[0] for line in text.splitlines())
                await live.pilot.press("ctrl+d")
            assert "undecodable" in live.text or len(seen) > 5


async def test_sets_of_recorded_data(
    redis_url: str, load_dump: LoadDump, expected: Callable[[str], dict[str, Any]]
) -> None:
    load_dump("8.1.7")
    answers = expected("8.1.7")
    now = answers["meta"]["now"]
    for view, key in (("retries", "retry"), ("scheduled", "schedule"), ("dead", "dead")):
        async with live_app(redis_url, view=view, clock=lambda: now) as live:
            await live.until(lambda: live.table.current is not None)
            jobs = answers[key]["each_highest_score_first"]
            wanted = [one["jid"] for one in (jobs if view == "dead" else reversed(jobs))]
            shown: list[object] = []
            for _ in wanted:
                row = live.table.current
                shown.append(row.jid if row else None)
                await live.pilot.press("j")
            assert live.body.split()[1] == str(answers[key]["size"])
            assert shown == wanted


async def test_queue_jobs_golden(
    redis_url: str,
    load_dump: LoadDump,
    expected: Callable[[str], dict[str, Any]],
    golden: Callable[[str, str], None],
) -> None:
    load_dump("8.1.7")
    now = expected("8.1.7")["meta"]["now"]
    for width, height in ((120, 40), (80, 24)):
        for view in ("retries", "queues"):
            async with live_app(redis_url, view=view, size=(width, height), clock=lambda: now) as live:
                await live.until(lambda: live.table.current is not None)
                if view == "queues":
                    await live.pilot.press("j", "j", "j")
                    await open_queue(live)
                await live.pilot.press("j")
                await live.pilot.pause()
                golden(f"{'queue-jobs' if view == 'queues' else view}-{width}x{height}", live.body)


async def test_a_server_that_goes_leaves_its_last_jobs_muted_with_their_age(
    embedded: StartRedis, tmp_path: Any
) -> None:
    server = embedded("gone")
    client = redis.asyncio.Redis(unix_socket_path=str(server.socket))
    await push(client, *range(5))
    await client.aclose()
    async with live_app(f"unix://{server.socket}?db=0", view="queues", size=(80, 24)) as live:
        await open_queue(live)
        server.stop()
        live.state.registry.refresh("prod")
        await live.sees("prod is offline")
        await live.sees("as of")
        assert "NumberJob" in live.body
        assert under_cursor(live) == 4


async def test_an_empty_list_says_how_jobs_come_here(redis_url: str) -> None:
    async with live_app(redis_url, view="dead") as live:
        await live.sees("No dead jobs on prod. Jobs come here after their last retry.")
    async with live_app(redis_url, view="queues") as live:
        await live.sees("No queues on prod.")


async def test_a_forbidden_list_says_so_in_its_place(redis_url: str, raw: redis.asyncio.Redis) -> None:
    execute = cast("Any", raw.execute_command)
    rules = "on nopass ~* +@read +@connection -@dangerous +info -zrange -zrevrange -zrangebyscore"
    await execute("ACL", "SETUSER", "ro", *rules.split())
    await raw.zadd("dead", {job(1): 1.0})
    async with live_app(redis_url.replace("unix://", "unix://ro@"), view="dead") as live:
        await live.sees("⊘ Dead can't be read:")


async def test_a_new_size_of_the_terminal_keeps_the_cursor_in_view(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(200))
    async with live_app(redis_url, view="queues") as live:
        await open_queue(live)
        await live.pilot.press("ctrl+f", "j")
        number = under_cursor(live)
        for size in ((80, 24), (60, 16), (120, 40)):
            await live.pilot.resize_terminal(*size)
            await live.pilot.pause()
            first, last = live.table.window
            assert first <= live.table.cursor <= last
            assert under_cursor(live) == number
            assert all(len(line) <= size[0] for line in live.text.splitlines())


async def test_in_ascii_mode_no_sign_of_ours_is_anything_else(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await push(raw, *range(300))
    await raw.lpush("queue:default", b"\x80 not a job", *(job(number, args=["x" * 300]) for number in range(9)))
    async with live_app(redis_url, view="queues", ascii=True) as live:
        await open_queue(live)
        await live.pilot.press("/", *"Nothing", "enter")
        await live.sees("Nothing matches")
        assert live.text.isascii(), live.text
        await live.pilot.press("escape", "j", "ctrl+f")
        await live.until(lambda: live.table.current is not None)
        assert live.text.isascii(), live.text


async def test_a_slow_read_says_what_it_reads(
    redis_url: str, raw: redis.asyncio.Redis, tmp_path: Any, redis_server: Any
) -> None:
    await push(raw, *range(1000))
    async with (
        FaultProxy(redis_server.socket, tmp_path) as proxy,
        live_app(proxy.url, view="queues", clock=lambda: 1795314100.0) as live,
    ):
        await open_queue(live)
        proxy.delay = 0.6
        await live.pilot.press("G")
        await live.sees("reading 968–1,000 of 1,000 …")
        assert "▌ …" in live.body
        proxy.delay = 0.0
        await live.until(lambda: live.table.current is not None)
        assert "reading" not in live.body


async def test_a_scan_can_be_stopped_and_keeps_what_it_found(
    redis_url: str, raw: redis.asyncio.Redis, tmp_path: Any, redis_server: Any
) -> None:
    await push(raw, *range(5000))
    async with (
        FaultProxy(redis_server.socket, tmp_path) as proxy,
        live_app(proxy.url, view="queues", clock=lambda: 1795314100.0) as live,
    ):
        await open_queue(live)
        proxy.delay = 0.3
        await live.pilot.press("/", *"NumberJob", "enter")
        await live.until(lambda: "% scanned" in live.body and live.table.current is not None)
        await live.until(lambda: "ctrl+x stop" in live.text)
        await live.pilot.press("ctrl+x")
        await live.sees("scanned, stopped")
        await live.until(lambda: "ctrl+x" not in live.text)
        assert live.table.current is not None
        reads = proxy.wire.names.count("LRANGE")
        await live.pilot.pause(0.4)
        assert proxy.wire.names.count("LRANGE") == reads


async def test_a_second_server_shows_its_own_list(
    embedded: StartRedis, redis_url: str, raw: redis.asyncio.Redis
) -> None:
    other = embedded("other")
    client = redis.asyncio.Redis(unix_socket_path=str(other.socket))
    await client.zadd("dead", {job(7): 1795314000.0})
    await client.aclose()
    await raw.zadd("dead", {job(number): 1795314000.0 + number for number in range(3)})
    async with live_app(redis_url, f"unix://{other.socket}?db=0", view="dead") as live:
        await live.sees("Dead 3")
        await live.pilot.press("j", "2")
        await live.sees("Dead 1")
        assert under_cursor(live) == 7
        await live.pilot.press("1")
        await live.sees("Dead 3")
