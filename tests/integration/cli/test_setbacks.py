"""``resume`` where one server of a move went back in time: what is told, and what is done when it is asked for."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import Transfer
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.selection import Whole
from tests.integration.cli.conftest import Ran
from tests.support.operating import MAIL, fill
from tests.support.two_servers import SOURCE, TARGET, Pair, Side, Trouble

JOBS = 40


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


class Desk:
    """The command line over both servers, with the journal of who moved the jobs."""

    def __init__(self, pair: Pair, config: Callable[[str], str], journal: str) -> None:
        urls = {name: pair.links[side].url for name, side in ((SOURCE, "source"), (TARGET, "target"))}  # type: ignore[index]
        servers = "".join(f'[servers.{name}]\nurl = "{url}"\n' for name, url in urls.items())
        self._file = config(f'{servers}[journal]\nfolder = "{pair.folder / journal}"\n')

    async def resume(self, *argv: str) -> Ran:
        """`sqtui resume …` on the source, as a process: the links to the servers live in this loop."""
        words = ("-m", "sidekiq_tui", "--config", self._file, "--server", SOURCE, "resume", *argv)
        none, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=none, stdout=pipe, stderr=pipe)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())


async def moved(pair: Pair, trouble: Callable[[], Any], at: Side, step: str) -> tuple[str, list[bytes]]:
    """A move that met trouble, and its jobs; nobody is at it any more."""
    jobs = await fill(pair.raw("source"), MAIL, JOBS)
    pair.links[at].on_command = Trouble(step, 4, trouble)
    carrier = pair.carrier()
    run = carrier.start(await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET)))
    outcome = await asyncio.wait_for(run.wait(), 15)
    assert outcome.ending == "failed", outcome
    pair.heal()
    await carrier.operations.close()
    return run.id, jobs


def only(ran: Ran) -> Any:
    (server,) = ran.document["servers"]
    return server


async def test_what_the_target_forgot_is_pushed_again(tmp_path: Path, config: Callable[[str], str]) -> None:
    async with Pair(tmp_path) as pair:

        def flush() -> None:
            with pair.boxes["target"].client() as client:
                client.flushdb()

        id, jobs = await moved(pair, flush, "target", "put")
        desk = Desk(pair, config, "state")
        lost = (await pair.found()).lost(jobs).total()
        assert lost
        told = await desk.resume(id, "--yes")
        assert told.code == 4
        assert f"{lost} jobs on neither server: sqtui resume {id} --server prod --push-again" in told.err
        wrong = await desk.resume(id, "--delete-twice", "staging")
        assert (wrong.code, "--push-again" in wrong.err) == (4, True)
        dry = await desk.resume(id[:8], "--push-again", "--dry-run")
        assert (dry.code, dry.out.splitlines()[0]) == (0, f"Push again {lost} jobs")
        assert (await pair.found()).lost(jobs).total() == lost
        assert (await desk.resume(id, "--push-again")).code == 4  # nobody said yes
        ran = await desk.resume(id, "--push-again", "--yes", "-o", "json")
        assert ran.code == 0, ran
        plan, outcome = only(ran)["plan"], only(ran)["outcome"]
        assert (plan["operation"], plan["parameters"], outcome["done"]) == ("push-again", {}, lost)
        assert not any("pushed again before" in note for note in plan["notes"])
        twice = await desk.resume(id, "--push-again", "--dry-run")  # the setback stays known, and so does its end
        assert f"the same jobs were pushed again before: {outcome['id']}" in " ".join(twice.out.split())
        assert (await desk.resume(id, "--put-back", "--force", "--yes")).code == 0
        found = await pair.found()
        assert (found.source + found.target, found.parked) == (Counter(jobs), Counter())


@pytest.mark.parametrize("where", [SOURCE, TARGET])
async def test_what_the_source_has_again_leaves_one_of_them(
    tmp_path: Path, config: Callable[[str], str], where: str
) -> None:
    async with Pair(tmp_path) as pair:
        box = pair.boxes["source"]

        def save() -> None:
            with box.client() as client:
                client.save()
            box.saved()

        pair.links["target"].on_command = Trouble("put", 2, save)
        id, jobs = await moved(pair, box.restored, "source", "ack")
        desk = Desk(pair, config, "state")
        twice = (await pair.found()).twice
        assert twice
        assert (await desk.resume(id, "--push-again", "--yes")).code == 4
        wrong = await desk.resume(id, "--delete-twice", "nowhere")
        assert (wrong.code, "--delete-twice prod or " in wrong.err) == (2, True)
        told = await desk.resume(id, "--yes", "--confirm", SOURCE, "-o", "json")
        assert told.code in (0, 5), told
        assert f"--server prod --delete-twice {where} deletes them there" in told.err
        assert any(f"--delete-twice {where}" in note for note in only(told)["plan"]["notes"])
        ran = await desk.resume(id, "--delete-twice", where, "--yes")  # it has ended: the setback stays known
        assert ran.code == 0, ran
        assert ("--server staging takes it back" in ran.out) == (where == TARGET)
        found = await pair.found()
        assert (found.source + found.target, found.twice) == (Counter(jobs), Counter())
        ended = await desk.resume(id)
        assert (ended.code, "this move has ended" in ended.err) == (4, True)
        other = TARGET if where == SOURCE else SOURCE
        both = await desk.resume(id, "--delete-twice", other, "--yes")  # it would leave none
        many = f"{twice.total()} jobs stay: they were deleted on {where}"
        assert (both.code, many in " ".join((both.out + both.err).split())) == (4, True), both
        assert (await pair.found()).lost(jobs) == Counter()


async def test_another_machine_says_that_it_does_not_know_which(tmp_path: Path, config: Callable[[str], str]) -> None:
    async with Pair(tmp_path) as pair:

        def flush() -> None:
            with pair.boxes["target"].client() as client:
                client.flushdb()

        id, _ = await moved(pair, flush, "target", "put")
        desk = Desk(pair, config, "elsewhere")
        ran = await desk.resume(id, "--push-again", "--yes")
        assert (ran.code, "only the machine that moved them knows which" in ran.err) == (4, True), ran


async def test_a_whole_move_has_nothing_to_set_right(tmp_path: Path, config: Callable[[str], str]) -> None:
    async with Pair(tmp_path) as pair:
        await fill(pair.raw("source"), MAIL, JOBS)
        outcome = await pair.carrier().do(Transfer(jobs=Whole(MAIL), target=TARGET))
        desk = Desk(pair, config, "state")
        for argv in (("--push-again",), ("--delete-twice", TARGET), ()):
            ran = await desk.resume(outcome.id, *argv, "--yes")
            assert (ran.code, "there is no such operation" in ran.err) == (1, True), ran
        assert (await desk.resume("--push-again")).code == 2
        assert (await desk.resume(outcome.id, "--push-again", "--put-back")).code == 2
