"""Search: asking, results while they come, what can't be read, another server, and what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.screens import job_scan
from sidekiq_tui.tui.screens.errors import ErrorsScreen
from sidekiq_tui.tui.screens.found import FoundScreen, ResultsScreen
from sidekiq_tui.tui.screens.search import SearchScreen
from sidekiq_tui.tui.widgets.prompt import PromptInput
from tests.support import jobs
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.live import Live, live_app
from tests.support.tui import NOW, make_overview, make_process, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
JID = "5c1b2f6d8e0a4b7c9d3e1f20"


def job(number: int, klass: str = "Invoice::SendJob", **fields: Any) -> bytes:
    return jobs.payload(**{"class": klass, "args": [number, "pdf"], "jid": f"{number:024x}"} | fields)


def snapshot(**sizes: Any) -> Any:
    """A server with a queue, retries and dead jobs, polled a second ago."""
    queues = (make_queue("critical", 60, 20_000.0), make_queue("mailers", 9, 20.0))
    counts = {"retries": 40, "dead": 12, "scheduled": 0} | sizes
    overview = make_overview(*queues, processes=(make_process(busy=1),), **counts)
    return make_snapshot("prod", label="production", overview=overview, taken_at=NOW - 1)


async def fill(raw: redis.asyncio.Redis) -> None:
    """Jobs of two classes in a queue and two sets; one runs."""
    await raw.sadd("queues", "critical", "mailers")
    await raw.lpush("queue:critical", *(job(number) for number in range(60)))
    await raw.lpush("queue:mailers", *(job(number, "Newsletter") for number in range(9)))
    failed = [job(100 + number, "Invoice::ChargeJob", **jobs.FAILED) for number in range(40)]
    await raw.zadd("retry", {one: NOW + place for place, one in enumerate(failed)})
    dead = [job(200 + number, "Invoice::SendJob", **jobs.FAILED) for number in range(11)]
    await raw.zadd("dead", {one: NOW - place for place, one in enumerate([*dead, job(5, jid=JID)])})
    await raw.sadd("processes", "app-1:5916:aa")
    running = {"queue": "critical", "payload": job(5, jid=JID).decode(), "run_at": int(NOW) - 2}
    await raw.hset("app-1:5916:aa:work", "3wm", json.dumps(running))


@asynccontextmanager
async def search_app(url: str, poll: Any = None, **options: Any) -> AsyncIterator[Live]:
    async with framed_app(url, poll or snapshot(), view="search", **options) as live:
        await live.until(lambda: live.screen.is_front)
        yield live


def screen_of(live: Live) -> ResultsScreen:
    assert isinstance(live.app.screen, ResultsScreen)
    return live.app.screen


async def searched(live: Live, text: str) -> None:
    """Types a search and waits for its end."""
    await live.pilot.press("slash")
    live.app.screen.query_one(PromptInput).value = text
    await live.pilot.press("enter")
    await live.until(lambda: screen_of(live).found is not None and not screen_of(live).scanning)
    await live.pilot.pause()


class Held:
    """Lets a server's search go on slice by slice: real reads, of which a test says when the next comes."""

    def __init__(self, live: Live, free: int) -> None:
        self.free = free
        self.closed = False
        self._more = asyncio.Event()
        self._search = live.server().search
        cast(Any, live.server()).search = self._held

    async def _held(self, matcher: Matcher, places: Sequence[Place] | None = None) -> AsyncIterator[Slice]:
        try:
            async for found in self._search(matcher, places):
                while self.free <= 0:
                    self._more.clear()
                    await self._more.wait()
                self.free -= 1
                yield found
        finally:
            self.closed = True

    def let(self, slices: int) -> None:
        """So many more."""
        self.free += slices
        self._more.set()


# What it looks like


@EVERY
async def test_before_the_first_search(redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen) -> None:
    async with search_app(redis_url, size=size) as live:
        await golden_screen(f"search-empty-{size[0]}x{size[1]}", live.pilot)
        assert live.server().trips == 0


@EVERY
async def test_what_was_found(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with search_app(redis_url, size=size) as live:
        await searched(live, "class:Newsletter")
        await searched(live, "class:Invoice")
        await golden_screen(f"search-found-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_while_it_reads(
    redis_url: str,
    raw: redis.asyncio.Redis,
    size: tuple[int, int],
    golden_screen: GoldenScreen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_scan, "TELL_SECONDS", 0.0)
    await fill(raw)
    async with search_app(redis_url, size=size) as live:
        held = Held(live, free=5)
        cast(SearchScreen, live.screen).apply_filter("class:Charge")
        await live.sees("40 found, ")
        await live.sees("reading mailers")
        assert "scanned" in live.body
        assert "reading " in live.text
        assert "ctrl+x stops" in live.text or size[0] == 80
        await golden_screen(f"search-reading-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("ctrl+x")
        await live.sees("stopped")
        await live.until(lambda: held.closed)
        await golden_screen(f"search-stopped-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_nothing_matches(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with search_app(redis_url, size=size) as live:
        await searched(live, "class:Invoce")
        await golden_screen(f"search-no-match-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_it_says_the_price_of_a_large_one(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with search_app(redis_url, snapshot(retries=12_100_000), size=size) as live:
        screen = cast(SearchScreen, live.screen)
        screen.apply_filter("class:Invoice")
        await live.sees("12.1M entries: reading all takes about")
        await golden_screen(f"search-price-{size[0]}x{size[1]}", live.pilot)
        assert live.server().trips == 0
        await live.pilot.press("escape")
        await live.sees("anywhere in the job")
        assert live.server().trips == 0
        screen.apply_filter("class:Invoice")
        await live.pilot.press("enter")
        await live.until(lambda: screen.found is not None and screen.found.complete)


@BOTH
async def test_places_that_may_not_be_read(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    some = ("~queue*", "~processes", "~app*", "~dead")
    rights = ("reset", "on", ">pw", "+@read", "+@connection", *some)
    await raw.execute_command("ACL", "SETUSER", "some", *rights)  # type: ignore[no-untyped-call]
    async with search_app(redis_url.replace("unix://", "unix://some:pw@"), size=size) as live:
        await searched(live, "class:Send")
        assert "not in retries, scheduled: may not be read" in live.body or size[0] == 80
        await golden_screen(f"search-forbidden-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_server_that_does_not_answer(
    redis_url: str, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    async with search_app("redis://127.0.0.1:1", gone(snapshot()), size=size) as live:
        cast(SearchScreen, live.screen).apply_filter("class:Send")
        await live.until(lambda: not screen_of(live).scanning)
        await live.pilot.pause()
        await golden_screen(f"search-offline-{size[0]}x{size[1]}", live.pilot)


async def test_ascii(redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen) -> None:
    await fill(raw)
    async with search_app(redis_url, ascii=True) as live:
        assert live.text.isascii()
        await searched(live, "class:Invoice")
        assert live.text.isascii()
        await golden_screen("search-ascii-120x40", live.pilot)


# What it does


async def test_a_jid_is_looked_up_everywhere_and_opens(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw)
    async with search_app(redis_url) as live:
        await searched(live, JID)
        assert "2 found, all" in live.body
        assert [one.place.kind for one in screen_of(live).matches] == ["work", "dead"]
        await live.pilot.press("enter")
        await live.until(lambda: type(live.app.screen).__name__ == "JobScreen")
        await live.sees("1 of 2 found")
        await live.pilot.press("greater_than_sign")
        await live.sees("2 of 2 found")
        await live.pilot.press("escape")
        await live.until(lambda: live.app.screen is screen_of(live))
        assert live.table.cursor == 1


async def test_a_search_reads_each_place_once_and_nothing_by_itself(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw)
    async with search_app(redis_url) as live:
        await searched(live, "class:Invoice")
        trips = live.server().trips
        assert trips <= 16
        answer(live, snapshot())
        live.screen.tick(NOW + 1)
        await live.pilot.pause()
        assert live.server().trips == trips
        await live.pilot.press("ctrl+r")
        await live.until(lambda: live.server().trips > trips and not screen_of(live).scanning)


async def test_leaving_ends_the_reading(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await fill(raw)
    async with search_app(redis_url) as live:
        held = Held(live, free=2)
        screen = cast(SearchScreen, live.screen)
        screen.apply_filter("class:Charge")
        await live.until(lambda: held.free == 0)
        await live.pilot.press("g", "r")
        await live.until(lambda: held.closed)
        trips = live.server().trips
        held.let(10)
        await live.pilot.pause()
        await live.pilot.press("g", "slash")
        await live.sees("stopped")
        assert "ctrl+r searches again" in live.body
        assert live.server().trips <= trips + 2  # what the list of retries read


async def test_esc_ends_marks_then_the_search_and_earlier_ones_come_back(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    await fill(raw)
    async with search_app(redis_url) as live:
        await searched(live, "class:Newsletter")
        await searched(live, "class:Charge")
        await live.pilot.press("space", "space")
        assert "2 marked" in live.body
        await live.pilot.press("escape")
        assert "marked" not in live.body
        await live.pilot.press("escape")
        assert "anywhere in the job" in live.body
        assert "class:Newsletter" in live.body
        await live.pilot.press("slash", "up", "up", "enter")
        await live.sees("9 found, all")


async def test_what_is_wrong_with_a_filter_is_said(redis_url: str) -> None:
    async with search_app(redis_url) as live:
        screen = cast(SearchScreen, live.screen)
        screen.apply_filter("clas:Foo")
        await live.sees("there is no field clas")
        screen.apply_filter("server:staging class:Foo")
        await live.sees("leaves out prod")
        assert live.server().trips == 0


async def test_a_frozen_screen_reads_nothing(redis_url: str) -> None:
    async with search_app(redis_url) as live:
        live.state.frozen_at = NOW
        cast(SearchScreen, live.screen).apply_filter("class:Foo")
        await live.sees("frozen")
        assert live.server().trips == 0


async def test_another_server_keeps_the_words_and_is_searched_on_request(
    redis_url: str, raw: redis.asyncio.Redis, embedded: Callable[..., Any]
) -> None:
    await fill(raw)
    other = embedded("other")
    client = redis.asyncio.Redis(unix_socket_path=str(other.socket))
    await client.zadd("dead", {job(1, "Invoice::Other"): NOW})
    await client.aclose()
    async with live_app(redis_url, f"unix://{other.socket}?db=0", view="search") as live:
        cast(SearchScreen, live.screen).apply_filter("class:Invoice")
        await live.sees("113 found, all")
        trips = live.server("server-2").trips
        await live.pilot.press("2")
        await live.sees("class:Invoice was looked for on prod.")
        assert not screen_of(live).matches
        await live.pilot.press("ctrl+r")
        await live.sees("1 found, all 1 read")
        assert live.server("server-2").trips > trips


async def test_hostile_jobs_and_words_are_shown_not_obeyed(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.sadd("queues", b"\x1b]52;c;aGk=\x07[/]")
    await raw.lpush(b"queue:\x1b]52;c;aGk=\x07[/]", *HOSTILE_PAYLOADS)
    await raw.zadd("dead", {one: NOW for one in HOSTILE_PAYLOADS})
    async with live_app(redis_url, view="search") as live:
        for words in ("a", '"\x1b]52;c;aGk=\x07[/]"', "[bold"):
            cast(SearchScreen, live.screen).apply_filter(words)
            await live.until(lambda: not screen_of(live).scanning)
            for _ in range(4):
                await live.pilot.press("pagedown")
            await live.pilot.pause()
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))


# Opened from another view


@BOTH
async def test_what_another_view_looks_for(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await fill(raw)
    async with framed_app(redis_url, snapshot(), view="errors", size=size) as live:
        await live.until(lambda: live.screen.is_front)
        places, wanted = (Place("retry"), Place("dead")), parse_filter("class:=Invoice::SendJob")
        screen = FoundScreen(
            live.state,
            "prod",
            wanted,
            title="GatewayTimeout",
            places=places,
            view="errors",
        )
        live.app.push_screen(screen)
        await live.until(lambda: screen.found is not None and screen.found.complete)
        await live.pilot.pause()
        assert {one.place.kind for one in screen.matches} == {"dead"}
        assert "12 found" in live.body
        await golden_screen(f"found-{size[0]}x{size[1]}", live.pilot)
        await live.pilot.press("escape")
        await live.until(lambda: isinstance(live.app.screen, ErrorsScreen))
