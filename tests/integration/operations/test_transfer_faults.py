"""Moves while links break, people kill sqtui, and servers forget: every job is on one server, once, or is told of."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import ReturnStaged, Transfer
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.undo import known_records
from sidekiq_tui.sidekiq import transfer_steps
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.support.carrying import SOURCE, TARGET, Carrier, own_keys, payloads
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, fill

JOBS: Final = int(os.environ.get("SQTUI_TRANSFER_JOBS", "17"))
ENTRIES: Final = 5 if JOBS < 1000 else 200
"""Jobs a batch: few, so that few jobs make many steps."""
BATCHES: Final = -(-JOBS // ENTRIES)
POINTS: Final = int(os.environ.get("SQTUI_TRANSFER_POINTS", "16"))
MATRIX: Final = os.environ.get("SQTUI_TRANSFER_MATRIX", "some")
"""With `full`, each fault happens at every command, else at every third."""
CHOSEN: Final = Matching((MAIL,), parse_filter("class:Invoice"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "entries", property(lambda pace: ENTRIES))


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


class Lines:
    """Two faulty links, and carriers behind them or around them."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.url = redis_url
        self.folder = folder
        socket = redis_url.removeprefix("unix://").partition("?")[0]
        for name in ("here", "there"):
            (folder / name).mkdir()
        self.here = FaultLink(socket, folder / "here")
        self.there = FaultLink(socket, folder / "there")
        self.carriers: list[Carrier] = []

    def behind(self, home: str = "state") -> Carrier:
        """Whose every command passes the links."""
        return self._carrier(self.here.url, self.there.url.replace("db=0", "db=1"), home)

    def direct(self, home: str = "state") -> Carrier:
        """Somebody with good lines; another `home` is another machine."""
        return self._carrier(self.url, self.url.replace("db=0", "db=1"), home)

    async def armed(
        self, carrier: Carrier, operation: Transfer, link: FaultLink, faults: dict[int, Fault], struck: Any = None
    ) -> Plan:
        """A plan, and what goes wrong from then on: by the number of each command that writes."""
        plan = await carrier.plan(operation)
        for one in (self.here, self.there):
            one.seen.clear()
            one.happened.clear()
        link.faults, link.on_command = faults, struck
        return plan

    def _carrier(self, here: str, there: str, home: str) -> Carrier:
        carrier = Carrier(here, there, self.folder / home, timeout=1.0)
        self.carriers.append(carrier)
        return carrier

    async def late(self) -> None:
        """What was held arrives, and all that was ever sent arrives again."""
        for link, database in ((self.here, b"0"), (self.there, b"1")):
            for command in (*link.held, *link.seen):
                await _deliver(link, database, command)
            link.held.clear()


async def _deliver(link: FaultLink, database: bytes, command: tuple[bytes, ...]) -> None:
    client = redis.asyncio.Redis(unix_socket_path=link.target, db=int(database), protocol=2, legacy_responses=False)
    with contextlib.suppress(redis.exceptions.RedisError):
        await client.execute_command(*command)  # type: ignore[no-untyped-call]
    await client.aclose()


@pytest.fixture
async def lines(redis_url: str, tmp_path: Path) -> AsyncIterator[Lines]:
    found = Lines(redis_url, tmp_path)
    async with found.here, found.there:
        yield found
        for carrier in found.carriers:
            await carrier.close()


async def killed(carrier: Carrier, run: Run) -> None:
    """As a process that was killed: nothing is tidied up."""
    assert run._task is not None
    carrier.operations._runs.clear()
    run._task.cancel()
    await asyncio.gather(run._task, return_exceptions=True)


async def resumed(carrier: Carrier, id: str) -> Outcome:
    """Goes on with it, as often as that takes."""
    plan = await carrier.operations.resume(SOURCE, id)
    return await carrier.start(plan).wait()


async def once(raw: Any, there: Any, jobs: list[bytes]) -> None:
    """Each job is on one server, once, and nothing is parked."""
    assert await payloads(raw) + await payloads(there) == Counter(jobs)
    assert await own_keys(raw) == set()


FAULTS: Final = [Fault.DROP, Fault.LOSE, Fault.HOLD, Fault.TEAR, Fault.HOLE]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_a_fault_at_every_command(
    raw: Any, there: Any, lines: Lines, fault: Fault, side: str, place: Place
) -> None:
    link = lines.here if side == "source" else lines.there
    first, step = (1, 1) if MATRIX == "full" else (1 + (FAULTS.index(fault) + (place is DEAD)) % 3, 3)
    for number in range(first, 14 if side == "source" else 7, step):
        await raw.flushall()
        jobs = await fill(raw, place, JOBS)
        carrier = lines.behind(f"{number}")
        link.faults = {}
        plan = await lines.armed(carrier, Transfer(jobs=Whole(place), target=TARGET), link, {number: fault})
        outcome = await carrier.start(plan).wait()
        assert (outcome.ending, outcome.tally.done) == ("done", JOBS), (number, outcome)
        await lines.late()
        await once(raw, there, jobs)
        assert len(await payloads(there)) == JOBS
        if place is MAIL:
            assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
        if not link.happened:
            break


@pytest.mark.parametrize("seed", range(POINTS))
async def test_killed_anywhere_and_gone_on_with(raw: Any, there: Any, lines: Lines, seed: int) -> None:
    random = Random(seed)
    place = random.choice([MAIL, DEAD])
    jobs = await fill(raw, place, JOBS)
    dying = asyncio.Event()
    link = random.choice([lines.here, lines.there])
    point = random.randrange(1, 3 * BATCHES if link is lines.here else BATCHES + 3)
    fault = random.choice([Fault.DROP, Fault.LOSE, Fault.HOLD])

    def strike(number: int, _: object) -> None:
        if number == point:
            dying.set()

    whole = random.random() < 0.7 or place is DEAD
    carrier = lines.behind("first")
    operation = Transfer(jobs=Whole(place) if whole else CHOSEN, target=TARGET)
    run = carrier.start(await lines.armed(carrier, operation, link, {point: fault}, strike))
    waiting = [asyncio.create_task(dying.wait()), asyncio.create_task(run.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    lines.here.down = lines.there.down = True
    await killed(carrier, run)
    lines.here.down = lines.there.down = False
    same = random.random() < 0.6
    second = lines.direct("first" if same else "second")
    listed = [one.id for one in await second.operations.unfinished(SOURCE)]
    if run.id in listed:
        with contextlib.suppress(CannotBeDone):
            outcome = await resumed(second, run.id)
            assert outcome.ending == "done", outcome
            if (whole or same) and outcome.tally.done:
                assert len(await payloads(there)) == JOBS, outcome
    await lines.late()
    for left in await second.operations.unfinished(SOURCE):
        if left.parked:
            assert (await resumed(second, left.id)).ending == "done"
    await once(raw, there, jobs)


async def parked_move(
    lines: Lines, raw: Any, *, home: str = "first", number: int = 3, fault: Fault = Fault.DROP
) -> str:
    """A move that was killed while a PUT was under way (the target never got it, unless so), with jobs parked."""
    dying = asyncio.Event()
    carrier = lines.behind(home)

    def strike(at: int, _: object) -> None:
        if at == number:
            dying.set()

    operation = Transfer(jobs=Whole(MAIL), target=TARGET)
    run = carrier.start(await lines.armed(carrier, operation, lines.there, {number: fault}, strike))
    await asyncio.wait_for(dying.wait(), 10)
    lines.here.down = lines.there.down = True
    await killed(carrier, run)
    lines.here.down = lines.there.down = False
    return run.id


async def test_another_machine_sees_parked_jobs_and_brings_them_home(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw)
    other = lines.direct("other machine")
    (left,) = await other.operations.unfinished(SOURCE)
    assert (left.id, left.kind, left.count, left.can_continue) == (id, "transfer", JOBS, True)
    assert left.parked >= 5
    assert await other.operations.unfinished(TARGET) == ()
    outcome = await resumed(other, id)
    assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
    assert await other.operations.unfinished(SOURCE) == ()


async def test_parked_jobs_are_put_back_in_their_order(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw)
    other = lines.direct("other machine")
    plan = await other.plan(ReturnStaged(operation=id))
    assert plan.refused == ""
    outcome = await other.start(plan).wait()
    assert outcome.ending == "done", outcome
    arrived = await there.lrange("queue:mail", 0, -1)
    assert await raw.lrange("queue:mail", 0, -1) + arrived == jobs[::-1]
    await lines.late()
    await once(raw, there, jobs)
    assert await other.operations.unfinished(SOURCE) == ()


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.LOSE], ids=lambda fault: fault.name.lower())
async def test_a_return_by_force_believes_a_target_that_answers(
    raw: Any, there: Any, lines: Lines, fault: Fault
) -> None:
    """One lost reply is no reason to put back what has arrived."""
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw, fault=Fault.LOSE)
    arrived = await payloads(there)
    assert arrived
    carrier = lines.behind("first")
    plan = await carrier.plan(ReturnStaged(operation=id, force=True))
    lines.there.seen.clear()
    lines.there.faults = {1: fault}
    outcome = await carrier.start(plan).wait()
    assert outcome.ending == "done", outcome
    assert lines.there.happened[-1] == (1, fault)
    assert await payloads(there) == arrived
    await lines.late()
    await once(raw, there, jobs)


async def test_a_return_by_force_believes_a_target_that_takes_no_writes(
    raw: Any, there: Any, lines: Lines, redis_url: str
) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw, fault=Fault.LOSE)
    arrived = await payloads(there)
    assert arrived
    carrier = lines.direct("first")
    plan = await carrier.plan(ReturnStaged(operation=id, force=True))
    rules = ("+@all", "%R~*", "&*")
    await raw.execute_command("ACL", "SETUSER", "reader", "on", "nopass", *rules)
    carrier.change(TARGET, username="reader")
    outcome = await carrier.start(plan).wait()
    assert outcome.ending == "done", outcome
    assert await payloads(there) == arrived
    await once(raw, there, jobs)


async def test_a_return_by_force_goes_without_a_target_that_is_away(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw, fault=Fault.LOSE)
    arrived = await payloads(there)
    carrier = lines.behind("first")
    lines.there.down = True
    plan = await carrier.plan(ReturnStaged(operation=id, force=True))
    assert "jobs may run twice" in "\n".join(plan.notes)
    outcome = await asyncio.wait_for(carrier.start(plan).wait(), 30)
    assert outcome.ending == "done", outcome
    assert not Counter(jobs) - await payloads(raw) - arrived
    assert await own_keys(raw) == set()


async def test_two_resume_at_once(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, 60)
    id = await parked_move(lines, raw)
    one, two = lines.direct("one"), lines.direct("two")
    plans = [await carrier.operations.resume(SOURCE, id) for carrier in (one, two)]
    outcomes = await asyncio.gather(one.start(plans[0]).wait(), two.start(plans[1]).wait())
    assert "done" in {outcome.ending for outcome in outcomes}
    for left in await one.operations.unfinished(SOURCE):
        if left.parked:
            await resumed(one, id)
    await lines.late()
    await once(raw, there, jobs)


@pytest.mark.parametrize("who", ["looks", "goes on"])
async def test_what_somebody_does_between_two_looks_is_no_setback(
    raw: Any, there: Any, lines: Lines, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    jobs = await fill(raw, MAIL, 60)
    id = await parked_move(lines, raw)
    one, two = lines.direct("one"), lines.direct("two")
    plans = [await carrier.operations.resume(SOURCE, id) for carrier in (one, two)]
    left = [two.start(plans[1])] if who == "goes on" else []
    looks = 0

    def between(read: Any) -> Any:
        """The other one ends the move after the source was read, and before the target is."""

        async def wrapper(*about: Any) -> Any:
            nonlocal looks
            looks += 1
            if looks == 2:
                assert (await one.start(plans[0]).wait()).ending == "done"
            return await read(*about)

        return wrapper

    if who == "looks":
        name = "sidekiq_tui.operations.transfer_resume.known_records"
        monkeypatch.setattr(name, between(known_records))
        assert await two.operations.setback(SOURCE, id) is None
    else:
        monkeypatch.setattr(transfer_steps, "transfer_state", between(transfer_steps.transfer_state))
        outcome = await left[0].wait()
        assert "went back" not in outcome.words, outcome
        assert "went_back" not in outcome.details
    assert looks > 2
    await once(raw, there, jobs)


async def test_a_stop_finishes_what_is_parked(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, 200)
    carrier = lines.behind()
    plan = await lines.armed(carrier, Transfer(jobs=Whole(MAIL), target=TARGET), lines.there, {})
    run = carrier.start(plan)
    lines.there.on_command = lambda number, _: run.stop() if number == 5 else None
    outcome = await run.wait()
    assert outcome.ending == "stopped"
    assert 0 < outcome.tally.done < 200
    assert outcome.tally.untouched == 200 - outcome.tally.done
    await once(raw, there, jobs)
    assert await there.llen("queue:mail") == outcome.tally.done


async def test_what_is_left_at_quitting_is_gone_on_with(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, 100)
    carrier = lines.behind()
    run = carrier.start(await lines.armed(carrier, Transfer(jobs=CHOSEN, target=TARGET), lines.there, {}))
    lines.there.on_command = lambda number, _: run.leave() if number == 5 else None
    await run.wait()
    assert await own_keys(raw) == set()
    again = lines.direct()
    outcome = await resumed(again, run.id)
    assert (outcome.ending, outcome.tally.done) == ("done", 100), outcome
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]


async def test_a_full_target_leaves_jobs_parked_until_there_is_room(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    carrier = lines.behind()
    await there.set("queue:mail", "in the way")
    run = carrier.start(await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET)))
    outcome = await run.wait()
    assert outcome.ending == "failed"
    assert "jobs stay parked on prod: resume or return them" in outcome.words
    (left,) = await carrier.operations.unfinished(SOURCE)
    assert left.parked > 0
    await there.delete("queue:mail")
    assert (await resumed(lines.direct(), run.id)).tally.done == JOBS
    await once(raw, there, jobs)


# ---- Servers that forget


async def test_a_target_that_was_flushed_gets_nothing_more(raw: Any, there: Any, lines: Lines) -> None:
    jobs = await fill(raw, MAIL, JOBS)
    id = await parked_move(lines, raw, number=4)
    arrived = await payloads(there)
    assert arrived
    await there.flushdb()
    carrier = lines.direct("first")
    plan = await carrier.operations.resume(SOURCE, id)
    assert "no longer knows this move" in plan.refused
    assert "no longer on either server" in "\n".join(plan.notes)
    gentle = await carrier.plan(ReturnStaged(operation=id))
    assert "only by force" in gentle.refused
    outcome = await carrier.start(await carrier.plan(ReturnStaged(operation=id, force=True))).wait()
    assert outcome.ending == "done"
    assert await payloads(there) == Counter()
    back = await carrier.operations.setback(SOURCE, id)
    assert back is not None
    assert (back.side, Counter(entry.old for entry in back.entries)) == ("target", arrived)
    assert await payloads(raw) == Counter(jobs) - arrived


async def dump(raw: Any) -> dict[bytes, bytes]:
    return {key: await raw.dump(key) for key in await raw.keys("*")}


async def restore(raw: Any, kept: dict[bytes, bytes]) -> None:
    await raw.flushdb()
    for key, value in kept.items():
        await raw.restore(key, 0, value)


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_server_that_goes_back_while_jobs_move_is_never_silent(
    raw: Any, there: Any, lines: Lines, side: str
) -> None:
    jobs = await fill(raw, MAIL, 60)
    client, link = (raw, lines.here) if side == "source" else (there, lines.there)
    kept: dict[bytes, bytes] = {}
    held = asyncio.Event()

    def strike(at: int, _: object) -> None:
        if at == (6 if side == "source" else 3):
            first.set()
        if at == (14 if side == "source" else 6):
            held.set()

    first = asyncio.Event()

    async def meddle() -> None:
        await first.wait()
        run.pause()
        await asyncio.sleep(0.3)
        kept.update(await dump(client))
        run.resume()
        await held.wait()
        run.pause()
        await asyncio.sleep(0.3)
        await restore(client, kept)
        run.resume()

    carrier = lines.behind()
    run = carrier.start(await lines.armed(carrier, Transfer(jobs=Whole(MAIL), target=TARGET), link, {}, strike))
    await asyncio.gather(meddle(), run.wait())
    outcome = run.outcome
    assert outcome is not None
    assert outcome.ending == "failed", outcome
    assert "went back in time" in outcome.words
    assert outcome.details["went_back"] == side
    here, arrived = await payloads(raw), await payloads(there)
    affected = outcome.details["affected"]
    assert isinstance(affected, int)
    if side == "source":
        doubled = here & arrived
        assert 0 < len(doubled) == affected
    else:
        lost = Counter(jobs) - here - arrived
        left = await carrier.operations.unfinished(SOURCE)
        parked = sum(one.parked for one in left)
        assert 0 < len(lost) - parked == affected
    back = await carrier.operations.setback(SOURCE, run.id)
    assert back is not None
    assert len(back.jids) == affected
