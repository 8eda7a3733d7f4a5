"""A crash: the terminal is given back, the exit code is 1, and nothing secret is printed."""

from __future__ import annotations

import sys

import pytest

from tests.support.terminal import Terminal, assert_restored

SECRET = "hunter2-of-the-operator"

# The fault is put in from outside: a key whose action holds a secret in its locals and in its error.
PROGRAM = """
import sys
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.tui import app, run
profile = Profile.from_url(sys.argv[1])
def explode(self):
    password = sys.argv[2]
    url = f"redis://admin:{password}@db.internal:6379/0"
    raise RuntimeError(f"cannot use {url} \\x1b]52;c;eA==\\x07")
def explode_later(self):
    async def work():
        explode(self)
    self.run_worker(work())
def explode_drawing(self):
    from sidekiq_tui.tui.widgets.totals import TotalsLine
    TotalsLine.render_line = lambda line, y: explode(line)
    self.screen.query_one(TotalsLine).refresh()
app.SqtuiApp.action_freeze = {"key": explode, "worker": explode_later, "drawing": explode_drawing}[sys.argv[3]]
sys.exit(run.run([profile]))
"""


@pytest.mark.parametrize("where", ["key", "worker", "drawing"])
def test_a_crash_restores_the_terminal_and_tells_no_secret(redis_url: str, where: str) -> None:
    with Terminal([sys.executable, "-c", PROGRAM, redis_url, SECRET, where]) as terminal:
        terminal.wait_for(" Servers ")
        terminal.send("Z")
        assert terminal.wait_exit() == 1
        assert_restored(terminal)
        left = terminal.output.rfind(b"\x1b[?1049l")
        report = terminal.output[left:]
        assert b"RuntimeError" in report
        assert b"explode" in report
        assert b"fault of its own" in report
        assert SECRET.encode() not in terminal.output
        assert b"\x1b]52" not in terminal.output
