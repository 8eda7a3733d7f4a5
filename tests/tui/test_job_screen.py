"""One job over its list: what stands there, what folds, what becomes of it, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import redis.asyncio

from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind
from sidekiq_tui.tui.screens.job import JobScreen, open_job
from sidekiq_tui.tui.screens.siblings import Siblings
from sidekiq_tui.tui.widgets.text_block import TextBlock
from tests.conftest import LoadDump
from tests.support import jobs
from tests.support.dumps import VERSIONS
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.live import Live, live_app
from tests.support.tui import NOW, Clock, make_overview, make_process, make_queue, make_snapshot
from tests.tui.conftest import GoldenScreen

EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
PROCESS = "app-1:5916:aa"

SHAPES: dict[str, tuple[bytes, Place, float | None]] = {
    "failing": (jobs.FAILING, Place("retry"), NOW + 48),
    "batch": (jobs.BATCHED, Place("retry"), NOW + 48),
    "active-job": (jobs.ACTIVE_JOB, Place("queue", "critical"), None),
    "mailer": (jobs.MAILER, Place("queue", "mailers"), None),
    "malformed": (jobs.MALFORMED, Place("dead"), NOW - 60),
    "scheduled": (jobs.payload(args=["2026-10", ["pdf", "xml"]]), Place("schedule"), NOW + 7200),
    "dead": (jobs.payload(**jobs.FAILED | {"retry_count": 25}), Place("dead"), NOW - 3600),
    "running": (jobs.payload(), Place("work"), None),
    "iterable": (jobs.ITERABLE, Place("retry"), NOW + 12),
}


def snapshot(taken: float = NOW - 1, **queue: Any) -> Any:
    """A server with one process; `taken` is when it was polled."""
    queues = (make_queue("critical", **({"size": 3, "latency": 20_000.0} | queue)), make_queue("mailers", 9, 20_000.0))
    overview = make_overview(*queues, processes=(make_process(queues=("critical", "mailers")),))
    return make_snapshot("prod", label="production", overview=overview, taken_at=taken)


async def put(raw: redis.asyncio.Redis, payload: bytes, place: Place, score: float | None) -> JobRecord:
    """Puts a job where it is said to be."""
    if place.kind == "queue":
        await raw.lpush(f"queue:{place.queue}", payload)
    elif place.kind == "work":
        work = {"queue": "critical", "payload": payload.decode(), "run_at": int(NOW) - 252}
        await raw.hset(f"{PROCESS}:work", "3wm", json.dumps(work))
    else:
        await raw.zadd(place.kind, {payload: score or 0.0})
    return JobRecord(payload, place, score)


async def opened(live: Live, job: JobRecord, siblings: Siblings | None = None, looked: bool = True) -> JobScreen:
    """The screen of a job, when it has looked where the job is."""
    await live.until(lambda: live.screen.is_front)
    open_job(live.screen, "prod", job, siblings)
    await live.until(lambda: isinstance(live.app.screen, JobScreen) and live.screen.is_front)
    screen = live.app.screen
    assert isinstance(screen, JobScreen)
    if looked:
        await live.until(lambda: screen._standing is not None)
    await live.pilot.pause()
    return screen


def read(live: Live) -> str:
    """Everything on the screen of a job, what is scrolled away included."""
    screen = cast(JobScreen, live.app.screen)
    parts = [screen.query_one(f"#{name}", TextBlock).text for name in ("facts", "brief")]
    return "\n".join([live.text, *parts, screen.document.text])


# What it looks like


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
async def test_every_kind_of_job(
    redis_url: str, raw: redis.asyncio.Redis, shape: str, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    job = await put(raw, *SHAPES[shape])
    if shape == "iterable":
        state: dict[Any, Any] = {"ex": 3, "c": '{"id":4411}', "rt": "812.5", "cancelled": int(NOW) - 5}
        await raw.hset(f"it-{jobs.JID}", mapping=state)
    async with framed_app(redis_url, snapshot(), view="retries", size=size) as live:
        await opened(live, job)
        await golden_screen(f"job-{shape}-{size[0]}x{size[1]}", live.pilot)


async def test_facts_under_the_document_line_up_with_it_and_count_in_words(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    job = await put(raw, jobs.payload(**jobs.FAILED | {"retry": 1, "retry_count": 1}), Place("dead"), NOW - 60)
    await raw.hset(f"it-{jobs.JID}", mapping={"ex": 1, "c": "6", "rt": "0.2"})
    async with framed_app(redis_url, snapshot(), view="dead", size=(80, 24)) as live:
        screen = await opened(live, job)
        lines = screen.document.text.splitlines()
        for title in ("Error", "Where", "Options", "Iteration"):
            assert any(line.startswith(title) for line in lines), title
        assert "tries 1 of 1, none left" in live.text
        assert any(line.split() == ["executed", "once"] for line in lines)


async def test_the_smallest_terminal_and_ascii(
    redis_url: str, raw: redis.asyncio.Redis, golden_screen: GoldenScreen
) -> None:
    job = await put(raw, *SHAPES["batch"])
    async with framed_app(redis_url, snapshot(), view="retries", size=(60, 20)) as live:
        await opened(live, job)
        await golden_screen("job-batch-60x20", live.pilot)
    async with framed_app(redis_url, snapshot(), view="retries", ascii=True) as live:
        await opened(live, job)
        assert all(ord(char) < 128 or char in "żółć" for char in live.text)
        await golden_screen("job-batch-ascii-120x40", live.pilot)


@BOTH
async def test_history_raw_moved_and_offline(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    name = f"{size[0]}x{size[1]}"
    job = await put(raw, *SHAPES["failing"])
    clock = Clock()
    async with framed_app(redis_url, snapshot(), view="retries", size=size, clock=clock) as live:
        await opened(live, job)
        await live.pilot.press("l")
        await golden_screen(f"job-raw-{name}", live.pilot)

        await raw.zrem("retry", job.raw)
        await raw.zadd("dead", {job.raw: NOW})
        clock.now = NOW + 4
        answer(live, snapshot(NOW + 3))
        await live.sees("in the dead set now")
        await live.pilot.press("l")
        await live.pilot.pause()
        await golden_screen(f"job-moved-history-{name}", live.pilot)

        clock.now = NOW
        answer(live, gone(snapshot()))
        await live.sees("connection refused")
        await golden_screen(f"job-offline-{name}", live.pilot)


# What folds and what changes


async def test_enter_and_space_fold_and_unfold(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["failing"])
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        screen = await opened(live, job)
        assert "unfold" not in live.text
        line = next(y for y, text in enumerate(screen.document.text.splitlines()) if "{ 14 keys }" in text)
        await live.pilot.press(*"j" * line)
        await live.sees("enter unfold")
        await live.pilot.press("enter")
        await live.until(lambda: '"field13": 13' in screen.document.text)
        await live.sees("enter fold")
        await live.pilot.press("space")
        await live.until(lambda: '"field13"' not in screen.document.text)
        assert "10 frames of sidekiq-8.1.7" in screen.document.text


async def test_inner_tabs_go_round_and_keep_their_place(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["failing"])
    async with framed_app(redis_url, snapshot(), view="retries", size=(80, 24)) as live:
        screen = await opened(live, job)
        await live.pilot.press("G")
        place = screen.document.position
        await live.pilot.press("l")
        await live.sees("as they lie in Redis")
        assert screen.document.position == (0, 0)
        await live.pilot.press("right")
        await live.sees("What sqtui saw")
        await live.pilot.press("l")
        await live.until(lambda: screen.tab == "job")
        assert screen.document.position == place
        await live.pilot.press("h")
        await live.until(lambda: screen.tab == "history")
        await live.pilot.press("escape")
        await live.until(lambda: not isinstance(live.app.screen, JobScreen))


async def test_the_wrapper_is_one_key_away(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["active-job"])
    async with framed_app(redis_url, snapshot(), view="queues") as live:
        screen = await opened(live, job)
        assert "gid://shop/Contact/7" in screen.document.text
        assert "executions" not in screen.document.text
        assert live.text.splitlines()[3].split()[0] == "SyncContactJob"
        await live.pilot.press("w")
        await live.sees("Wrapper's arguments")
        assert '"executions": 2' in screen.document.text
        assert '"_aj_globalid"' in screen.document.text
        assert jobs.WRAPPER in live.text.splitlines()[3]
        await live.pilot.press("w")
        await live.until(lambda: "executions" not in screen.document.text)


async def test_a_plain_job_has_no_wrapper_to_show(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["failing"])
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        screen = await opened(live, job)
        await live.pilot.press("w")
        await live.pilot.pause()
        assert "Wrapper" not in screen.document.text
        assert "w wrapper" not in live.text


async def test_numbers_stand_as_written_and_repeated_keys_are_told(redis_url: str, raw: redis.asyncio.Redis) -> None:
    payload = b'{"class":"A","args":[1],"args":[1e400,0.10,123456789012345678901234],"jid":"abc"}'
    job = await put(raw, payload, Place("retry"), NOW)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        screen = await opened(live, job)
        for words in ("1e400", "0.10", "123456789012345678901234", "args stands there 2 times: the last one counts"):
            assert words in screen.document.text


async def test_a_megabyte_opens_folded(redis_url: str, raw: redis.asyncio.Redis) -> None:
    payload = jobs.payload(args=[list(range(100_000)), "x" * 600_000])
    job = await put(raw, payload, Place("retry"), NOW)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        screen = await opened(live, job)
        assert "[ 100k items ]  ▸" in screen.document.text
        assert "599,600 characters more" in screen.document.text
        assert screen.document.count < 60


async def test_malformed_payloads_open_with_their_bytes(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["malformed"])
    async with framed_app(redis_url, snapshot(), view="dead") as live:
        screen = await opened(live, job)
        assert screen.tab == "raw"
        assert "\\x80\\x04\\x95 no job\\x1b]52;c;aGFja2Vk\\x07 {\\n" in screen.document.text
        await live.pilot.press("h")
        await live.sees("no JSON object")


@pytest.mark.parametrize("depth", [90, 10_000])
async def test_deep_nesting_opens(redis_url: str, raw: redis.asyncio.Redis, depth: int) -> None:
    payload = b'{"class":"A","args":[' + b"[" * depth + b"]" * depth + b'],"jid":"abc"}'
    job = await put(raw, payload, Place("retry"), NOW)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        screen = await opened(live, job)
        assert screen.tab == ("job" if depth < 100 else "raw")


# What becomes of it


async def poll(live: Live, taken: float, **queue: Any) -> None:
    """The next poll."""
    answer(live, snapshot(taken, **queue))
    await live.pilot.pause()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("retry", "no longer in retries"), ("schedule", "no longer scheduled"), ("dead", "no longer in the dead set")],
)
async def test_a_job_that_left_its_set_is_told(
    redis_url: str, raw: redis.asyncio.Redis, kind: PlaceKind, words: str
) -> None:
    job = await put(raw, jobs.FAILING, Place(kind), NOW)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        await opened(live, job)
        assert "no longer" not in live.text
        await raw.zrem(kind, job.raw)
        await poll(live, NOW + 1)
        await live.sees(f"e5d1f0a9… is {words}: it ran, or somebody moved, changed or deleted it")
        await live.pilot.press("h")
        await live.sees(words)


async def test_a_job_that_is_running_now_is_found_where_it_runs(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, jobs.FAILING, Place("retry"), NOW)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        await opened(live, job)
        await raw.zrem("retry", job.raw)
        await put(raw, jobs.FAILING, Place("work"), None)
        await poll(live, NOW + 1)
        await live.sees(f"no longer in retries: it is running on {PROCESS}")
        await raw.delete(f"{PROCESS}:work")
        await poll(live, NOW + 3)
        await live.sees("it ran, or somebody moved")
        await live.pilot.press("h")
        seen = [sighting.place for sighting in live.state.sightings.of("prod", job)]
        assert seen == ["in retries", f"running on {PROCESS}", "no longer in retries"]


async def test_work_that_ends_is_told(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["running"])
    async with framed_app(redis_url, snapshot(), view="workers") as live:
        await opened(live, job)
        assert PROCESS in live.text
        await raw.delete(f"{PROCESS}:work")
        await poll(live, NOW + 1)
        await live.sees("no longer running: it ended, or failed")


async def test_a_queue_is_not_searched_but_an_older_job_than_its_oldest_has_left(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    job = await put(raw, jobs.payload(), Place("queue", "critical"), None)
    async with framed_app(redis_url, snapshot(), view="queues") as live:
        await opened(live, job)
        assert "no longer" not in live.text
        await poll(live, NOW + 1, latency=10.0)
        await live.sees("no longer in queue critical")


async def test_a_new_score_is_shown(redis_url: str, raw: redis.asyncio.Redis) -> None:
    job = await put(raw, *SHAPES["failing"])
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        await opened(live, job)
        await live.sees("in 48s")
        await raw.zadd("retry", {job.raw: NOW + 7200})
        await poll(live, NOW + 1)
        await live.sees("in 2h00m")


async def test_each_poll_costs_one_trip_and_a_covered_or_frozen_screen_none(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    job = await put(raw, *SHAPES["failing"])
    server = Server(Profile.from_url(redis_url, "prod"), clock=Clock())
    async with framed_app(redis_url, snapshot(), view="servers", server=server) as live:
        screen = await opened(live, job)
        before = server.trips
        for number in range(1, 4):
            await poll(live, NOW + number)
            await live.until(lambda: server.trips == before + number)  # noqa: B023
        await live.pilot.press("?")
        await live.until(lambda: not screen.is_front)
        await poll(live, NOW + 5)
        await live.pilot.pause(0.1)
        assert server.trips == before + 3
        await live.pilot.press("escape")
        await live.until(lambda: server.trips == before + 4)
        await live.pilot.press("Z")
        await poll(live, NOW + 7)
        await live.pilot.pause(0.1)
        assert server.trips == before + 4


async def test_a_look_that_may_not_be_made_leaves_the_job_on_the_screen(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    job = await put(raw, *SHAPES["failing"])

    class Refusing(Server):
        async def look_for(self, *_: Any) -> Any:
            raise ServerUnreachable("gone")

    server = Refusing(Profile.from_url(redis_url, "prod"), clock=Clock())
    async with framed_app(redis_url, snapshot(), view="servers", server=server) as live:
        screen = await opened(live, job, looked=False)
        await live.pilot.pause(0.1)
        assert "Payments::GatewayTimeout" in screen.document.text


async def test_another_server_in_view_leaves_the_job(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await put(raw, *SHAPES["failing"])
    async with live_app(redis_url, redis_url, view="retries") as live:
        await live.sees("Retries 1")
        await live.pilot.press("enter")
        await live.until(lambda: isinstance(live.app.screen, JobScreen))
        await live.pilot.press("2")
        await live.until(lambda: type(live.app.screen).__name__ == "RetriesScreen")
        assert live.state.scope == "server-2"


# Neighbours


async def test_the_list_is_gone_through_without_leaving_the_job(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for number in range(3):
        await put(raw, jobs.payload(args=[number], jid=f"{number:024x}"), Place("retry"), NOW + number)
    async with framed_app(redis_url, snapshot(), view="retries") as live:
        await live.sees("Retries 3")
        await live.pilot.press("enter")
        await live.sees("1 of 3 in Retries")
        await live.pilot.press(">")
        await live.sees("2 of 3 in Retries")
        assert f"{1:024x}" in live.text
        await live.pilot.press(">", ">")
        await live.sees("this is the last of Retries")
        await live.pilot.press("<", "<", "<")
        await live.sees("this is the first of Retries")
        await live.pilot.press(">", "escape")
        await live.sees("Retries 3")
        assert live.table.cursor == 1


# Hostile data


@EVERY
async def test_nothing_hostile_reaches_the_screen(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int]
) -> None:
    some = HOSTILE_PAYLOADS if size[0] == 80 else HOSTILE_PAYLOADS[::9]
    async with framed_app(redis_url, snapshot(), view="retries", size=size) as live:
        screen = await opened(live, JobRecord(jobs.FAILING, Place("retry"), NOW))
        for payload in some:
            for place in (Place("retry"), Place("queue", payload[:40].decode("utf-8", "surrogateescape"))):
                screen._begin(JobRecord(payload, place, NOW))
                for tab in ("job", "raw", "history"):
                    screen._tab = tab
                    screen._draw((0, 0))
                    assert CONTROL_PATTERN.search(read(live)) is None, payload[:200]
        assert CONTROL_PATTERN.search(live.text) is None


# What Sidekiq's own page shows


def _told(entry: dict[str, Any]) -> list[str]:
    """What Sidekiq's Web UI shows of a job, as texts that must be found."""
    told = [entry["jid"], entry["display_class"], entry["queue"], entry.get("error_class"), entry.get("bid")]
    told += entry.get("tags") or []
    told += [str(line).partition(":in ")[2] for line in entry.get("error_backtrace") or []]
    told += [json.dumps(arg) for arg in entry["display_args"] if isinstance(arg, int | bool)]
    told += [arg[:40] for arg in entry["display_args"] if isinstance(arg, str) and arg.isascii() and arg.isprintable()]
    message = entry.get("error_message") or ""
    told += [word for word in message[:200].split() if word.isascii() and word.isprintable()]
    count = entry.get("retry_count")
    if count is not None and count >= 0 and entry.get("error_class"):
        told.append(f"run {count + 1}" if count else "the first run")
    return [text for text in told if text]


@pytest.mark.parametrize("version", VERSIONS)
async def test_everything_that_sidekiqs_own_page_shows_is_there(
    redis_url: str, load_dump: LoadDump, expected: Callable[[str], dict[str, Any]], version: str
) -> None:
    load_dump(version)
    answers = expected(version)
    wanted = {}
    for name in ("retry", "schedule", "dead"):
        entries = next(value for key, value in answers[name].items() if key.startswith("each"))
        wanted.update({(name, entry["jid"], entry["score"]): entry for entry in entries if isinstance(entry, dict)})
    seen = 0
    now = answers["meta"].get("now", NOW)
    async with live_app(redis_url, view="servers", clock=lambda: float(now)) as live:
        screen: JobScreen | None = None
        for kind in ("retry", "schedule", "dead"):
            page = await live.server().page(Place(kind), 0, 1000)
            for job in page.jobs:
                entry = wanted.get((kind, job.jid, job.score))
                if entry is None:
                    continue
                if screen is None:
                    screen = await opened(live, job)
                await live.pilot.pause()
                screen._begin(job)
                unfold(screen)
                text = read(live).replace("\n", " ")
                squeezed = "".join(text.split()).replace("│", "")
                for words in _told(entry):
                    assert words in text or "".join(words.split()) in squeezed, (words, text)
                seen += 1
    assert seen > 60


def unfold(screen: JobScreen) -> None:
    """Opens everything there is to open."""
    for _ in range(50):
        screen._draw()
        folded = [line for line in screen.document._lines if line.fold is not None and not line.is_open]
        if not folded:
            return
        screen._document.toggle(folded[0])


async def test_a_queue_that_only_lost_processes_name_is_served_by_nobody(
    redis_url: str, raw: redis.asyncio.Redis
) -> None:
    job = await put(raw, *SHAPES["mailer"])
    lost = make_process(queues=("mailers",), stale=True)
    server = make_snapshot("prod", overview=make_overview(make_queue("mailers", 9, 20_000.0), processes=(lost,)))
    async with framed_app(redis_url, server, view="retries") as live:
        await opened(live, job)
        assert "Nobody serves its queue." in read(live)
