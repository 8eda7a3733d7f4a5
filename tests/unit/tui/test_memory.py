"""What is remembered between runs: bounded, private, and never worth a failure."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from sidekiq_tui.paths import state_file
from sidekiq_tui.tui.memory import MOST_COMMANDS, MOST_NAMES, Memory, load_memory, save_memory, with_command

FULL = Memory(
    last="prod",
    recent=("prod", "dev"),
    views={"": "servers", "prod": "retries"},
    columns={"retry": ("class", "args")},
    theme="sqtui-light",
    commands=("dead class:Foo", "queue mailers"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.json"


def test_where_it_is(own_machine: Path) -> None:
    assert state_file({"SQTUI_STATE": "/x/y"}) == Path("/x/y")
    assert state_file({}).is_relative_to(own_machine)
    assert state_file({}).name == "state.json"


def test_a_first_run_knows_nothing(path: Path) -> None:
    assert load_memory(path) == Memory()


def test_what_was_saved_comes_back_and_is_private(path: Path) -> None:
    save_memory(path, Memory(), FULL, FULL.commands)
    assert load_memory(path) == FULL
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_read_no_longer_is(path: Path) -> None:
    save_memory(path, Memory(), FULL)
    path.chmod(0o644)
    save_memory(path, Memory(), FULL)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"last": 3, "recent": "prod", "views": [], "columns": {"a": 1}, "theme": {}, "commands": {}}',
        b'{"last": "a\\u001b[2J", "recent": ["\\u0007", 3, ""], "views": {"prod": "\\u001b"}, "theme": "\\n"}',
        b'{"commands": ["\\u001b]52;c;x\\u0007", null, [], ""], "columns": {"\\u001b": ["a"]}}',
        b"[" * 100_000,
        b'{"last": "' + b"x" * (1 << 20) + b'"}',
    ],
    ids=range(9),
)
def test_broken_foreign_and_hostile_content_is_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    found = load_memory(path)
    assert (found.last, found.recent, dict(found.views), found.theme, found.commands) == ("", (), {}, "", ())
    assert not any(found.columns.values())


def test_a_broken_file_is_mended_and_a_foreign_one_left(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b'{"last": "pr')
    save_memory(path, Memory(), FULL)
    assert load_memory(path).last == "prod"
    path.write_bytes(b"export PATH=/bin\n")
    with pytest.raises(OSError, match="not a file of sqtui"):
        save_memory(path, Memory(), FULL)
    assert path.read_bytes() == b"export PATH=/bin\n"


def test_a_place_that_cannot_be_written_raises_what_the_caller_expects(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        save_memory(tmp_path, Memory(), FULL)


def test_two_at_once_keep_what_each_of_them_changed(path: Path) -> None:
    save_memory(path, Memory(), FULL, FULL.commands)
    one = two = load_memory(path)
    changed = Memory("dev", ("dev", "prod"), {**one.views, "dev": "queues"}, one.columns, one.theme)
    other = Memory(two.last, two.recent, two.views, {"dead": ("jid",)}, "nord")
    save_memory(path, one, changed, ["all"])
    save_memory(path, two, other, ["metrics", "dead class:Foo"])
    found = load_memory(path)
    assert (found.last, found.recent, found.theme) == ("dev", ("dev", "prod"), "nord")
    assert dict(found.views) == {"": "servers", "prod": "retries", "dev": "queues"}
    assert dict(found.columns) == {"retry": ("class", "args"), "dead": ("jid",)}
    assert found.commands == ("queue mailers", "all", "metrics", "dead class:Foo")


def test_without_history_the_file_keeps_no_commands(path: Path) -> None:
    save_memory(path, Memory(), FULL, FULL.commands)
    save_memory(path, FULL, FULL, None)
    assert load_memory(path).commands == ()
    assert b"Foo" not in path.read_bytes()


def test_everything_is_bounded(path: Path) -> None:
    names = tuple(f"server-{number}" for number in range(300))
    many = Memory(recent=names, views=dict.fromkeys(names, "dead"))
    save_memory(path, Memory(), many, [f"dead {number}" for number in range(500)])
    found = load_memory(path)
    assert (len(found.recent), len(found.views), len(found.commands)) == (MOST_NAMES, MOST_NAMES, MOST_COMMANDS)
    assert found.commands[-1] == "dead 499"
    assert path.stat().st_size < 64_000


def test_a_command_typed_again_moves_to_the_end() -> None:
    assert with_command(["a", "b", "c"], "a") == ("b", "c", "a")
    assert with_command(["a"], "x" * 2000) == ("a",)
    assert with_command(["a"], "b\x1b") == ("a",)


def test_only_what_is_meant_to_be_kept_is_in_the_file(path: Path) -> None:
    save_memory(path, Memory(), FULL, FULL.commands)
    assert set(json.loads(path.read_bytes())) == {"last", "recent", "views", "columns", "theme", "commands"}


def test_what_is_no_regular_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    outcomes: list[object] = []

    def use(path: Path) -> None:
        outcomes.append(load_memory(path))
        try:
            save_memory(path, Memory(), FULL)
        except OSError as error:
            outcomes.append(str(error))

    for path in (pipe, link):
        thread = threading.Thread(target=use, args=(path,), daemon=True)
        thread.start()
        thread.join(10)
        assert outcomes == [Memory(), f"{path} is not a file of sqtui"]
        outcomes.clear()
    assert pipe.is_fifo()
