"""Every job of every queue and set, and how they are found, against Sidekiq's `Queue`, `JobSet` and `JobRecord`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import pytest

from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.iteration import IterationState, read_iterations
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.overview import OverviewReader
from sidekiq_tui.sidekiq.queue import Queue
from sidekiq_tui.sidekiq.search import find_jid, scan
from tests.conformance.values import ONE_MILLISECOND, Recording, close, raised

COVERS = ("queues", "schedule", "retry", "dead", "scan", "fetch", "find_job", "find_job_missing")

SETS: Final[tuple[SetName, ...]] = ("schedule", "retry", "dead")
OLD_WRAPPER: Final = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"
NEW_WRAPPER: Final = "Sidekiq::ActiveJob::Wrapper"
TIMES: Final = ("created_at", "enqueued_at", "failed_at", "retried_at")


async def whole_queue(recording: Recording, name: str) -> Sequence[JobRecord]:
    """All jobs of a queue, by pages of a size that divides nothing."""
    jobs: list[JobRecord] = []
    while True:
        page = await Queue(recording.db, name).page(len(jobs), 7)
        jobs += page.jobs
        if not page.jobs:
            assert page.size == len(jobs)
            return jobs


async def whole_set(recording: Recording, name: SetName) -> Sequence[JobRecord]:
    """All entries of a set, highest score first."""
    jobs: list[JobRecord] = []
    while True:
        page = await JobSet(recording.db, name).page(len(jobs), 7)
        jobs += page.jobs
        if not page.jobs:
            assert page.size == len(jobs)
            return jobs if name == "dead" else jobs[::-1]


async def test_size_latency_and_pause_of_every_queue(recording: Recording) -> None:
    overview = await OverviewReader(recording.db).read(recording.now)
    paused = {queue.name for queue in overview.queues if queue.paused}
    assert paused == {"imports"}
    for theirs in recording.answer("queues"):
        queue = Queue(recording.db, theirs["name"])
        assert await queue.size() == theirs["size"], theirs["name"]
        assert theirs["paused?"] is False  # open source never says otherwise; ours reads the set that Pro writes
        latency = await queue.latency(recording.now)
        if raised(theirs["latency"]):  # a tail that is no JSON: we say that it is unknown
            assert latency is None, theirs["name"]
        else:
            assert latency == pytest.approx(theirs["latency"], abs=ONE_MILLISECOND), theirs["name"]


async def test_every_job_of_every_queue(recording: Recording) -> None:
    for theirs in recording.answer("queues"):
        ours = await whole_queue(recording, theirs["name"])
        assert len(ours) == len(theirs["jobs_newest_first"]) == theirs["size"]
        await check_jobs(recording, ours, theirs["jobs_newest_first"])


@pytest.mark.parametrize("name", SETS)
async def test_every_entry_of_every_set(recording: Recording, name: SetName) -> None:
    theirs = recording.answer(name)
    ours = await whole_set(recording, name)
    assert await JobSet(recording.db, name).size() == len(ours) == theirs["size"]
    await check_jobs(recording, ours, theirs["each_highest_score_first"])


@pytest.mark.parametrize("slice_size", [2, 5, 500])
async def test_a_walk_reads_what_pages_read(recording: Recording, slice_size: int) -> None:
    everything = parse_filter("")
    for name in SETS:
        slices = scan(recording.db, Place(name), everything, now=recording.now, slice_size=slice_size)
        walked = [job.identity for found in [found async for found in slices] for job in found.jobs]
        in_order = await whole_set(recording, name)
        assert walked == [job.identity for job in (in_order if name == "dead" else in_order[::-1])]
    for queue in recording.answer("queues"):
        place = Place("queue", queue["name"])
        slices = scan(recording.db, place, everything, now=recording.now, slice_size=slice_size)
        walked = [job.identity for found in [found async for found in slices] for job in found.jobs]
        assert walked == [job.identity for job in await whole_queue(recording, queue["name"])]


async def test_scan_by_pattern(recording: Recording) -> None:
    for theirs in recording.answer("scan"):
        for name in SETS:
            jobs = [job async for job in JobSet(recording.db, name).scan(theirs["pattern"])]
            assert sorted(str(job.jid) for job in jobs) == sorted(theirs[name]), (theirs["pattern"], name)


async def test_fetch_and_find(recording: Recording) -> None:
    retries = JobSet(recording.db, "retry")
    for theirs in recording.answer("fetch"):
        score, jid = theirs["score"], theirs["find_job"]
        assert [job.jid for job in await retries.fetch(score)] == theirs["by_score"]
        assert [job.jid for job in await retries.fetch(score, jid)] == theirs["by_score_and_jid"]
        within = await retries.fetch_range(score, score + 3600)
        assert [job.jid for job in within] == theirs["by_range_next_hour"]
        found = await retries.find_job(jid)
        assert found is not None
        assert (found.jid, found.score) == (jid, score)
    assert await retries.find_job("0123456789abcdef01234567") is recording.answer("find_job_missing")


async def test_every_jid_is_found_where_it_is(recording: Recording) -> None:
    places: dict[str, set[Place]] = {}
    for queue in recording.answer("queues"):
        for job in queue["jobs_newest_first"]:
            places.setdefault(job["jid"], set()).add(Place("queue", queue["name"]))
    for name in SETS:
        for job in recording.answer(name)["each_highest_score_first"]:
            places.setdefault(job["jid"], set()).add(Place(name))
    for entry in recording.answer("work")["each_oldest_first"]:
        places.setdefault(entry["job"]["jid"], set()).add(Place("work"))
    wanted = [jid for jid in places if jid][::20] + [jid for jid, where in places.items() if jid and len(where) > 1]
    for jid in wanted:
        slices = [found async for found in find_jid(recording.db, jid, now=recording.now)]
        assert {found.place for found in slices if found.jobs} == places[jid]
        assert all(job.jid == jid for found in slices for job in found.jobs)


async def check_jobs(recording: Recording, ours: Sequence[JobRecord], theirs: Sequence[dict[str, Any]]) -> None:
    """Compares all that Ruby said about these jobs; fails on a field it does not know."""
    states = await read_iterations(recording.db, [job.jid for job in ours if job.jid])
    for job, said in zip(ours, theirs, strict=True):
        wanted = dict(said)
        where = (job.place, job.jid)
        if job.place.kind != "work" or "value_sha1" in wanted:  # 6.4's work has no bytes any more, only the decoded job
            assert hashlib.sha1(job.raw).hexdigest() == wanted.pop("value_sha1"), where
            assert len(job.raw) == wanted.pop("value_bytes"), where
        assert job.queue == wanted.pop("queue"), where
        assert (job.jid, job.klass) == (wanted.pop("jid"), wanted.pop("klass")), where
        assert job.malformed is (job.klass is None), where
        assert (job.tags, job.bid) == (wanted.pop("tags"), wanted.pop("bid", job.item.get("bid"))), where
        check_times(recording, job, wanted)
        if job.encrypted:  # Ruby masks its own args when it shows them; ours stay what they are
            assert isinstance(job.args, list)
            check_value([*job.args[:-1], "[encrypted data]"], wanted.pop("args"))
        else:
            check_value(job.args, wanted.pop("args"))
        check_display(recording, job, wanted)
        assert job.error_backtrace == wanted.pop("error_backtrace"), where
        assert not job.backtrace_undecodable
        if "iterable_state" in wanted:
            check_state(states.get(job.jid or ""), wanted.pop("iterable_state"))
        if job.place.kind not in ("queue", "work"):
            check_entry(job, wanted)
        assert wanted == {}, where


def check_times(recording: Recording, job: JobRecord, wanted: dict[str, Any]) -> None:
    """Times, and the latency that follows from them."""
    for name in TIMES:
        value = wanted.pop(name, None)
        if name not in job.item:  # Ruby's created_at of nothing is 1970
            assert value in (None, 0.0)
            assert getattr(job, name) is None
        elif value is not None:  # older versions have no failed_at and retried_at
            assert getattr(job, name) == close(value)
    latency = wanted.pop("latency")
    if job.created_at is None and job.enqueued_at is None:  # Ruby says 0 without a time; we say unknown
        assert latency == 0.0
        assert job.latency(recording.now) is None
    else:
        assert job.latency(recording.now) == pytest.approx(latency, abs=ONE_MILLISECOND)


def check_entry(job: JobRecord, wanted: dict[str, Any]) -> None:
    """What only entries of sets have."""
    assert job.score == job.at == wanted.pop("score") == wanted.pop("at")
    assert (job.error_class, job.error_message) == (wanted.pop("error_class"), wanted.pop("error_message"))
    assert wanted.pop("error") is (job.error_class is not None)
    assert job.retry_count == wanted.pop("retry_count")
    # The names that Web and kiq give an entry are its score and jid: ours is its bytes.
    assert wanted.pop("id") in (None, f"{job.score}|{job.jid}")
    assert wanted.pop("web_key") == f"{job.score}-{job.jid}"


def check_state(ours: IterationState | None, theirs: Any) -> None:
    """An iterable job's state."""
    if theirs is None or raised(theirs):  # it raises for a payload without a jid
        assert ours is None
    else:
        assert ours is not None
        found = {"executions": ours.executions, "runtime": ours.runtime, "cursor": ours.cursor}
        assert found | {"cancelled": ours.cancelled} == theirs


def check_display(recording: Recording, job: JobRecord, wanted: dict[str, Any]) -> None:
    """The class and arguments shown: the newest rules for the jobs of every version.

    Sidekiq before 7.3.3 does not know the new wrapper's name and shows the wrapper. Before 7.1 ActiveJob's arguments
    are shown as they are stored, and a mailer's without its parameters. All else is the same since 6.4.
    """
    display_class, display_args = wanted.pop("display_class"), wanted.pop("display_args")
    knows_wrapper = job.klass == OLD_WRAPPER or recording.major >= 7
    if not job.is_active_job or (knows_wrapper and recording.major >= 7):
        assert job.display_class == display_class
        check_value(job.display_args, display_args)
        return
    newest_class, newest_args = newest_display(job.item)
    assert (job.display_class, job.display_args) == (newest_class, newest_args)
    if not knows_wrapper:
        assert (display_class, display_args) == (job.klass, job.item["args"])
        return
    assert display_class == newest_class
    if job.item["wrapped"] == "ActionMailer::MailDeliveryJob":
        newest_args = newest_args[1]
    assert [plain(argument) for argument in display_args] == newest_args


def newest_display(item: Any) -> tuple[str, list[Any]]:
    """Sidekiq 8.1's rules once more, for wrapped jobs with all that ActiveJob writes."""
    arguments = [plain(argument) for argument in item["args"][0]["arguments"]]
    if not item["wrapped"].startswith("ActionMailer::"):
        return item["wrapped"], arguments
    shown = (
        arguments[3:] if item["wrapped"].endswith("::DeliveryJob") else [arguments[3]["params"], arguments[3]["args"]]
    )
    return f"{arguments[0]}#{arguments[1]}", shown


def plain(value: Any) -> Any:
    """ActiveJob's serialized arguments without its marks."""
    if isinstance(value, dict):
        rest = {key: plain(part) for key, part in value.items() if key[:4] != "_aj_"}
        return value["_aj_globalid"] if list(value) == ["_aj_globalid"] else rest
    return [plain(part) for part in value] if isinstance(value, list) else value


def check_value(ours: object, theirs: Any) -> None:
    """A JSON value; long ones were recorded by size and SHA-1, and those that are not UTF-8 as Ruby prints them."""
    if isinstance(theirs, dict) and theirs.get("clipped"):
        text = json.dumps(ours, ensure_ascii=False, separators=(",", ":")).encode()
        assert (len(text), hashlib.sha1(text).hexdigest()) == (theirs["json_bytes"], theirs["json_sha1"])
        assert text.decode().startswith(theirs["head"].removesuffix("…"))
    elif isinstance(theirs, dict) and "not_utf8_inspect" in theirs:
        assert isinstance(ours, list)
        assert all(isinstance(part, str) for part in ours)
        hexed = [part.encode("utf-8", "surrogateescape").hex(" ").upper().split() for part in ours]
        assert (
            str(theirs["not_utf8_inspect"])
            == "[" + ", ".join(f'"{"".join(map(escape, part))}"' for part in hexed) + "]"
        )
    else:
        # repr tells 1 from 1.0 and True, and -0.0 from 0.0, which == does not
        assert repr(ours) == repr(theirs)


def escape(byte: str) -> str:
    """A byte that is not UTF-8, as Ruby's inspect prints it."""
    return f"\\x{byte}"
