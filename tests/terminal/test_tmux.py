"""tmux, the referee for keys and for how wide things are."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.terminal import PATIENCE, ROOT, sqtui

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A private tmux server with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"

    def run(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        # Without `env` a child gets what C libraries have set, such as readline's COLUMNS under pytest.
        ran = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
        return ran.stdout

    def start(self, argv: list[str], columns: int, rows: int) -> None:
        quoted = " ".join(f"'{word}'" for word in argv)
        command = f"{quoted}; echo LEFT $?; exec sleep 1000"
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def keys(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def wait(self, ready: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + PATIENCE
        while not ready(shown := self.screen):
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        return shown

    def wait_for(self, text: str) -> str:
        return self.wait(lambda shown: text in shown)

    def wait_still(self) -> str:
        """The screen with its colours once it no longer changes."""
        before, now = "", self.run("capture-pane", "-p", "-e")
        while before != now:
            time.sleep(0.5)
            before, now = now, self.run("capture-pane", "-p", "-e")
        return now


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    window = Tmux(tmp_path)
    yield window
    window.run("kill-server")


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24), (60, 20)])
def test_the_frame_fits_the_terminal_exactly(
    tmux: Tmux, redis_url: str, load_dump: Callable[[str], int], columns: int, rows: int
) -> None:
    load_dump("8.1.7")
    tmux.start(sqtui("--url", redis_url), columns, rows)
    tmux.wait_for("? keys")
    shown = tmux.wait_for("dead 43" if columns >= 80 else "enq 287").splitlines()
    assert len(shown) == rows
    assert shown[0].endswith("live")
    assert shown[1].startswith(" proc")
    assert shown[2].lstrip().startswith("Servers")
    assert shown[-1].endswith("? keys")
    assert max(len(line) for line in shown) <= columns


def test_keys_arrive_also_in_one_burst(tmux: Tmux, redis_url: str, load_dump: Callable[[str], int]) -> None:
    load_dump("8.1.7")
    tmux.start(sqtui("--url", redis_url), 80, 24)
    tmux.wait_for("enq 287")
    tmux.keys("gq")
    tmux.wait_for("backlog")
    tmux.keys("Tab")
    tmux.wait_for("Retries 31")
    tmux.keys("BTab")
    tmux.wait_for("backlog")
    tmux.keys("G", "gg", "@")
    tmux.wait_for("Find a server")
    tmux.keys("Escape")
    tmux.wait(lambda shown: "Find a server" not in shown)
    tmux.keys("?")
    tmux.wait_for("Keys of queues")
    tmux.keys("q")
    tmux.wait(lambda shown: "Keys of queues" not in shown)
    tmux.keys("Z")
    tmux.wait_for("FROZEN")
    tmux.keys("gvq")
    tmux.wait_for("LEFT 0")
    assert "Servers" not in tmux.screen, "the main screen is back"


def test_resizing_keeps_the_frame(tmux: Tmux, redis_url: str) -> None:
    tmux.start(sqtui("--url", redis_url), 120, 40)
    tmux.wait_for("Dashboard")
    tmux.run("resize-window", "-x", "80", "-y", "18")
    shown = tmux.wait(lambda text: "Dashboard" not in text and "? keys" in text and "proc " in text)
    assert " Dash " not in shown
    tmux.run("resize-window", "-x", "40", "-y", "10")
    tmux.wait(lambda text: text.strip() == "make me larger")
    tmux.run("resize-window", "-x", "120", "-y", "40")
    tmux.wait_for("Dashboard")


def test_what_is_written_piece_by_piece_is_what_would_be_written_whole(
    tmux: Tmux, redis_url: str, load_dump: Callable[[str], int]
) -> None:
    load_dump("8.1.7")
    tmux.start(sqtui("--url", redis_url), 100, 30)
    tmux.wait_for("dead 43")
    for keys in ("gd", "gq", "jjj", "gr", "jj]k", "gx", "G", "?", "q", "@", "gs", "Z"):
        tmux.keys(*keys)
        tmux.wait_still()
    tmux.keys("Escape")
    for _ in range(5):  # a poll may change a figure between the two looks; what is left over stays in all
        pieces = tmux.wait_still()
        tmux.keys("C-l")
        whole = tmux.wait_still()
        if whole == pieces:
            break
    assert whole == pieces
