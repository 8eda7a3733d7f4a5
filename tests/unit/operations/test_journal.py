"""What this machine keeps of operations: private, lasting, shared, bounded, and back to the byte."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import stat
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.entries import Entry, handled, pack, pack_digests, pack_targets, unpack, unpack_targets
from sidekiq_tui.operations.journal import Batch, Journal, JournalError, Noted
from sidekiq_tui.operations.journal_file import on_network
from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.owner import Owner, lives, this_process
from sidekiq_tui.operations.targets import Targets, digest
from sidekiq_tui.sidekiq.job import Place
from tests.support.workers import until

DAY = 86400.0
PLACES = st.sampled_from([None, Place("retry"), Place("dead"), Place("queue", "a"), Place("queue", "\udcff")])
SCORES = st.none() | st.floats(allow_nan=False)
ENTRIES = st.lists(st.builds(Entry, PLACES, st.binary(), SCORES, PLACES, st.none() | st.binary(), SCORES), max_size=30)


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def noted(id: str, **options: Any) -> Noted:
    usual = {
        "server": "prod", "mark": "m", "kind": "retry", "words": "retry 3", "who": "anna@ws3", "plan": "f",
        "parameters": "{}", "count": 3, "at": Clock.now, "undo": "journal", "owner": this_process(),
        "touched": Clock.now,
    }  # fmt: skip
    return Noted(id=id, **(usual | options))  # type: ignore[arg-type]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    kept = Journal(tmp_path / "state", size=1 << 20, window=7 * DAY, clock=Clock())
    yield kept
    await kept.close()


class TestEntries:
    @given(ENTRIES)
    def test_come_back_as_they_were(self, entries: list[Entry]) -> None:
        assert unpack(pack(entries)) == entries

    @given(st.lists(st.binary(max_size=20), max_size=20), st.text("10xD-?", min_size=20, max_size=20))
    def test_say_what_was_handled_with_or_without_bytes(self, raws: list[bytes], results: str) -> None:
        place = Place("dead")
        whole = list(handled(pack([Entry(place, raw) for raw in raws]), results[: len(raws)]))
        short = list(handled(pack_digests([digest(raw) for raw in raws]), results[: len(raws)]))
        expected = [digest(raw) for raw, result in zip(raws, results, strict=False) if result != "-"]
        assert [mark for _, mark in whole] == [mark for _, mark in short] == expected

    @given(st.lists(st.tuples(PLACES.filter(bool), st.binary(max_size=3)), max_size=30))
    def test_targets_come_back_as_they_were(self, found: list[tuple[Place, bytes]]) -> None:
        digests: dict[Place, Counter[bytes]] = {}
        for place, raw in found:
            digests.setdefault(place, Counter())[digest(raw)] += 1
        targets = Targets(digests)
        assert unpack_targets(pack_targets(targets)).digests == digests

    @pytest.mark.parametrize("blob", [b"", b"\1\2", b"x" * 40])
    def test_damage_is_an_error_and_nothing_else(self, blob: bytes) -> None:
        for read in (unpack, unpack_targets):
            with pytest.raises(ValueError, match=r"damaged|Extra|Expecting|codec"):
                read(blob)


class TestKeeping:
    async def test_all_of_it_comes_back(self, journal: Journal) -> None:
        await journal.begin(noted("a"), b"rest")
        await journal.add("a", [Batch(0, "b0", 2, b"x"), Batch(1, "b1", 1, None)], {})
        await journal.add("a", [Batch(2, "b2", 1, b"z")], {0: "10", 1: "1"})
        found = await journal.noted("a")
        assert found == noted("a")
        assert await journal.rest("a") == b"rest"
        batches = await journal.batches("a")
        assert [(one.number, one.results) for one in batches] == [(2, None), (1, "1"), (0, "10")]
        assert [one.number for one in await journal.batches("a", before=1)] == [0]
        assert [one.number for one in await journal.batches_after("a", 0)] == [1, 2]
        tally = Tally(done=2, gone=1)
        await journal.end("a", "done", tally, undo="journal", rest=False)
        [ended] = journal.last_noted("prod")
        assert (ended.state, ended.tally, ended.running(Clock.now)) == ("done", tally, False)
        assert await journal.rest("a") is None
        assert await journal.all_noted("other") == ()

    async def test_the_later_head_of_the_audit_stays(self, journal: Journal) -> None:
        for head in (Head(3, "c"), Head(5, "e"), Head(4, "d")):
            await journal.set_head(head)
        assert await journal.head() == Head(5, "e")

    async def test_nothing_is_made_before_something_is_written(self, journal: Journal) -> None:
        assert await journal.all_noted() == ()
        assert journal.last_noted("prod") == ()
        assert not journal.folder.exists()

    async def test_files_are_private(self, journal: Journal) -> None:
        await journal.begin(noted("a"), None)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.folder.iterdir()}
        assert set(modes.values()) == {0o600}
        assert {"journal.db", "journal.db-wal", "journal.db-shm"} == set(modes)
        assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700

    async def test_what_is_old_or_too_much_is_forgotten_but_never_what_is_open(self, journal: Journal) -> None:
        big = os.urandom(300_000)
        for number, state in enumerate(["done", "open", "done", "done", "done", "done"]):
            one = noted(str(number), at=Clock.now - (10 - number if number < 2 else 0) * DAY + number, state=state)
            await journal.begin(one, None)
            await journal.add(str(number), [Batch(0, "b", 1, big)], {0: "1"})
        await journal.tidy()
        kept = {one.id: one.undo for one in await journal.all_noted()}
        assert kept == {"1": "journal", "2": "no", "3": "journal", "4": "journal", "5": "journal"}
        assert await journal.batches("2") == ()
        assert len(await journal.batches("1")) == 1
        assert await journal.purge() == 4
        assert [one.id for one in await journal.all_noted()] == ["1"]


class TestWhatIsStillToDo:
    async def test_the_row_that_each_batch_touches_stays_small(self, journal: Journal) -> None:
        await journal.begin(noted("a"), b"r" * 500_000)
        with sqlite3.connect(journal.folder / "journal.db") as connection:
            (row,) = connection.execute("SELECT * FROM op")
        assert sum(len(str(value)) for value in row) < 1000
        assert await journal.rest("a") == b"r" * 500_000

    async def test_of_an_older_journal_it_is_found(self, tmp_path: Path) -> None:
        made = Journal(tmp_path, size=1 << 20, window=DAY)
        await made.begin(noted("a"), None)
        await made.close()
        with sqlite3.connect(tmp_path / "journal.db") as connection:  # as the first schema had it
            connection.execute("DROP TABLE rest")
            connection.execute("ALTER TABLE op ADD COLUMN rest BLOB")
            connection.execute("UPDATE op SET rest=?", (b"targets",))
            connection.execute("PRAGMA user_version=1")
        journal = Journal(tmp_path, size=1 << 20, window=DAY)
        assert [one.id for one in journal.last_noted("prod")] == ["a"]
        assert await journal.rest("a") == b"targets"
        await journal.end("a", "done", Tally(done=1), undo="journal", rest=False)
        assert await journal.rest("a") is None
        await journal.begin(noted("b"), b"more")
        assert await journal.rest("b") == b"more"
        await journal.close()


class TestTrouble:
    async def test_a_link_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "state").mkdir()
        (tmp_path / "elsewhere").write_bytes(b"")
        (tmp_path / "state" / "journal.db").symlink_to(tmp_path / "elsewhere")
        kept = Journal(tmp_path / "state", size=1, window=1)
        with pytest.raises(JournalError):
            await kept.begin(noted("a"), None)
        await kept.close()

    async def test_a_newer_one_is_left_alone(self, journal: Journal) -> None:
        await journal.begin(noted("a"), None)
        await journal.close()
        with sqlite3.connect(journal.folder / "journal.db") as connection:
            connection.execute("PRAGMA user_version=99")
        with pytest.raises(JournalError, match="newer sqtui"):
            await journal.begin(noted("b"), None)

    async def test_one_that_another_process_holds_is_told(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sidekiq_tui.operations.journal_file._BUSY", 0.05)
        await journal.begin(noted("a"), None)
        with sqlite3.connect(journal.folder / "journal.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="held by another process"):
                await journal.begin(noted("b"), None)
            other.execute("ROLLBACK")
        await journal.begin(noted("b"), None)

    async def test_who_is_killed_while_it_writes_leaves_whole_batches(self, journal: Journal) -> None:
        await journal.begin(noted("a"), None)
        child = multiprocessing.get_context("spawn").Process(target=write_on, args=(str(journal.folder),))
        child.start()
        await until(lambda: journal.batches("a"))
        child.kill()
        await asyncio.to_thread(child.join, 30)
        found = await journal.batches_after("a", limit=100_000)
        assert [one.number for one in found] == list(range(len(found)))
        assert all(one.blob is not None and len(one.blob) == 20_000 for one in found)
        await journal.add("a", [Batch(len(found), "b", 1, b"x")], {})

    def test_a_file_system_of_a_network(self, tmp_path: Path) -> None:
        mounts = tmp_path / "mounts"
        mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
        assert on_network(tmp_path / "state", mounts)
        mounts.write_text(f"server:/x {tmp_path}/other nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n")
        assert not on_network(tmp_path / "state", mounts)


class TestOwners:
    def test_who_lives(self) -> None:
        me = this_process()
        assert lives(me)
        assert lives(Owner(me.pid, me.started, "elsewhere")) is None
        if me.started:
            assert lives(Owner(me.pid, me.started + 1, me.host)) is False
        child = multiprocessing.get_context("spawn").Process(target=int)
        child.start()
        child.join()
        assert child.pid is not None
        assert lives(Owner(child.pid, 0, me.host)) is False

    def test_elsewhere_the_last_sign_counts(self) -> None:
        far = noted("a", owner=Owner(1, 1, "elsewhere"))
        assert far.running(Clock.now + 60)
        assert not far.running(Clock.now + 600)


def write_on(folder: str) -> None:
    async def write() -> None:
        kept = Journal(Path(folder), size=1 << 30, window=DAY, clock=Clock())
        for number in range(100_000):
            await kept.add("a", [Batch(number, "b", 1, os.urandom(20_000))], {})

    asyncio.run(write())
