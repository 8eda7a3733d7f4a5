"""The audit's chain: many writers, torn ends, rotation, and what checking it shows."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import stat
import sys
from pathlib import Path

import pytest

from sidekiq_tui.operations.audit import Audit, AuditError, Head, audit_files
from sidekiq_tui.operations.audit_check import verify
from sidekiq_tui.operations.audit_read import audited_operations, read_lines
from sidekiq_tui.operations.forward import Forward


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def intent(id: str, server: str = "prod") -> dict[str, object]:
    return {"step": "intent", "id": id, "who": "anna@ws3", "server": server, "kind": "delete", "what": "x", "count": 3}


def outcome(id: str) -> dict[str, object]:
    return {"step": "outcome", "id": id, "server": "prod", "ending": "deleted 3", "undo": id}


def lines(folder: Path) -> list[bytes]:
    return b"".join(path.read_bytes() for path in audit_files(folder)).split(b"\n")[:-1]


class TestLines:
    def test_a_line_is_private_numbered_and_chained(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path / "audit", clock=Clock())
        heads = [audit.write(intent("a")), audit.write(outcome("a"))]
        assert [head.n for head in heads] == [1, 2]
        [file] = audit_files(tmp_path / "audit")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert json.loads(lines(tmp_path / "audit")[1])["prev"] == heads[0].hash
        assert verify(tmp_path / "audit").whole

    def test_operations_are_listed_with_how_they_came_out(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path)
        for fields in (intent("a"), intent("b", "other"), outcome("a"), intent("c")):
            audit.write(fields)
        found = audited_operations(tmp_path, server=None, limit=10)
        assert [(one.intent.id, one.outcome is not None) for one in found] == [("c", False), ("b", False), ("a", True)]
        assert found[2].outcome is not None
        assert found[2].outcome.undo_id == "a"
        assert [one.intent.id for one in audited_operations(tmp_path, server="prod", limit=1)] == ["c"]
        assert verify(tmp_path).open == ("b", "c")

    def test_a_clock_that_went_back_is_told_and_changes_nothing(self, tmp_path: Path) -> None:
        clock = Clock()
        audit = Audit(tmp_path, clock=clock)
        audit.write(intent("a"))
        clock.now -= 60
        audit.write(outcome("a"))
        verdict = verify(tmp_path)
        assert verdict.whole
        assert verdict.notes == ("the clock had gone back at line 2",)

    def test_a_linked_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "audit").symlink_to(tmp_path / "real")
        with pytest.raises(AuditError):
            Audit(tmp_path / "audit").write(intent("a"))

    def test_lines_are_forwarded_to_a_command(self, tmp_path: Path) -> None:
        forward = Forward(command=("tee", str(tmp_path / "copy")))
        audit = Audit(tmp_path / "audit", forward=forward)
        audit.write(intent("a"))
        assert (tmp_path / "copy").read_bytes() == (audit_files(tmp_path / "audit")[0]).read_bytes()
        assert forward.trouble == ""
        audit = Audit(tmp_path / "audit", forward=Forward(command=("false",)))
        audit.write(outcome("a"))
        assert len(lines(tmp_path / "audit")) == 2


class TestTrouble:
    @pytest.mark.parametrize("kept", [1, 20, -1], ids=["one byte", "some", "all but the line feed"])
    def test_a_torn_line_is_kept_and_chained_over(self, tmp_path: Path, kept: int) -> None:
        audit = Audit(tmp_path)
        audit.write(intent("a"))
        audit.write(outcome("a"))
        [file] = audit_files(tmp_path)
        first, second, _ = file.read_bytes().split(b"\n")
        torn = second if kept < 0 else second[:kept]
        file.write_bytes(first + b"\n" + torn)
        audit.write(intent("b"))
        found = lines(tmp_path)
        assert found[1] == torn
        assert json.loads(found[2])["n"] == 3
        assert json.loads(found[2])["repaired"] is True
        verdict = verify(tmp_path)
        assert verdict.whole, verdict.broken
        assert verdict.notes

    def test_a_full_disk_leaves_no_half_line(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path)
        audit.write(intent("a"))
        [file] = audit_files(tmp_path)
        before = file.read_bytes()
        assert run_in_child(write_with_little_room, tmp_path, len(before) + 40) == 4
        assert file.read_bytes() == before
        audit.write(outcome("a"))
        assert verify(tmp_path).whole

    def test_writers_side_by_side_make_one_chain(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=write_many, args=(tmp_path, str(number), 100)) for number in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        assert [writer.exitcode for writer in writers] == [0] * 6
        verdict = verify(tmp_path)
        assert verdict.whole, verdict.broken
        assert verdict.files > 1
        assert sum(line.step == "intent" for line in read_lines(tmp_path)) == 600


class TestRotation:
    def test_a_new_file_goes_on_with_the_chain(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path, size=1000)
        for number in range(20):
            audit.write(intent(str(number)))
        files = audit_files(tmp_path)
        assert len(files) > 2
        verdict = verify(tmp_path)
        assert verdict.whole, verdict.broken
        assert [line.n for line in read_lines(tmp_path)] == list(range(1, verdict.lines + 1))
        assert [line.n for line in read_lines(tmp_path, newest_first=True)] == list(range(verdict.lines, 0, -1))

    def test_a_removed_file_is_missing_and_not_broken(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path, size=1000)
        for number in range(20):
            head = audit.write(intent(str(number)))
        audit_files(tmp_path)[0].unlink()
        verdict = verify(tmp_path, heads=[("the journal", Head(1, "x")), ("the journal", head)])
        assert verdict.whole, verdict.broken
        assert "are missing" in verdict.notes[0]

    def test_an_empty_new_file_goes_on_with_the_old_one(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path)
        audit.write(intent("a"))
        (tmp_path / "audit-0000000002.jsonl").touch()
        audit.write(outcome("a"))
        assert verify(tmp_path).whole


class TestChecking:
    def chain(self, folder: Path) -> Head:
        audit = Audit(folder)
        return [audit.write(intent(str(number))) for number in range(5)][-1]

    def test_an_edited_line_breaks_it(self, tmp_path: Path) -> None:
        self.chain(tmp_path)
        [file] = audit_files(tmp_path)
        file.write_bytes(file.read_bytes().replace(b'"id":"2"', b'"id":"7"'))
        assert verify(tmp_path).broken == (
            "audit-0000000001.jsonl: line 4 does not fit the line before it, which was edited or replaced",
        )

    def test_a_removed_line_breaks_it(self, tmp_path: Path) -> None:
        self.chain(tmp_path)
        [file] = audit_files(tmp_path)
        kept = file.read_bytes().split(b"\n")
        file.write_bytes(b"\n".join(kept[:2] + kept[3:]))
        assert not verify(tmp_path).whole

    def test_a_cut_end_shows_only_against_a_head_kept_elsewhere(self, tmp_path: Path) -> None:
        head = self.chain(tmp_path)
        [file] = audit_files(tmp_path)
        file.write_bytes(b"\n".join(file.read_bytes().split(b"\n")[:3]) + b"\n")
        assert verify(tmp_path).whole
        verdict = verify(tmp_path, heads=[("the journal", head)])
        assert verdict.broken == ("line 5, which the journal has seen, is missing at the end",)

    def test_a_rewritten_chain_shows_against_a_head_kept_elsewhere(self, tmp_path: Path) -> None:
        head = self.chain(tmp_path / "real")
        self.chain(tmp_path / "forged")
        verdict = verify(tmp_path / "forged", heads=[("prod", head)])
        assert verdict.broken == ("audit-0000000001.jsonl: line 5 is not the one that prod has seen",)

    def test_signatures_are_checked_with_the_key(self, tmp_path: Path) -> None:
        audit = Audit(tmp_path, key=b"secret")
        audit.write(intent("a"))
        audit.write(outcome("a"))
        assert verify(tmp_path, key=b"secret").whole
        assert not verify(tmp_path, key=b"other").whole
        Audit(tmp_path).write(intent("b"))
        assert verify(tmp_path, key=b"secret").broken == ("line 3 is not signed with this key",)

    def test_no_audit_is_a_whole_audit(self, tmp_path: Path) -> None:
        assert verify(tmp_path / "nothing").whole


def write_many(folder: Path, name: str, count: int) -> None:
    audit = Audit(folder, size=20_000)
    for number in range(count):
        audit.write(intent(f"{name}-{number}"))


def write_with_little_room(folder: Path, room: int) -> None:
    sys.dont_write_bytecode = True  # what is imported first here would be cut off for all others
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        Audit(folder).write(outcome("a"))
    except AuditError as error:
        os._exit(error.exit_code)
    os._exit(0)


def run_in_child(work: object, *args: object) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=work, args=args)  # type: ignore[arg-type]
    child.start()
    child.join(30)
    return child.exitcode


@pytest.mark.parametrize("edited", ['"time":1e999', '"count":NaN', f'"count":{"9" * 400}', f'"time":{"9" * 400}'])
def test_a_line_with_numbers_of_no_world_stops_nothing(tmp_path: Path, edited: str) -> None:
    audit = Audit(tmp_path / "audit")
    audit.write(intent("a"))
    (path,) = (tmp_path / "audit").glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"v":1,"n":2,"step":"intent","id":"b",%s}\n' % edited.encode())
    assert audit.write(outcome("a")).n == 3
    assert [line.id for line in read_lines(tmp_path / "audit")] == ["a", "b", "a"]
    assert len(audited_operations(tmp_path / "audit", server=None, limit=10)) == 2
