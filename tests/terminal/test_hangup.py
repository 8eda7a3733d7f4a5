"""A window that is closed, an SSH line that is lost: sqtui ends with its terminal, however it learns of that."""

from __future__ import annotations

import os
import pty
import select
import signal
import time

import pytest

from tests.support.terminal import PATIENCE, sqtui


def _start(argv: list[str], blocked: set[signal.Signals]) -> tuple[int, int]:
    """The process, and the only end of its terminal that is open outside of it."""
    pid, master = pty.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        os.execve(argv[0], argv, {**os.environ, "TERM": "xterm-256color"})
    return pid, master


def _read_until(master: int, text: bytes) -> None:
    seen, deadline = b"", time.monotonic() + PATIENCE
    while text not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 1 << 16)


def _exit_code(pid: int) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError("it outlived its terminal")
        time.sleep(0.05)


@pytest.mark.parametrize("blocked", [set(), {signal.SIGHUP}], ids=["told by the kernel", "finding out by itself"])
def test_it_ends_with_its_terminal(redis_url: str, blocked: set[signal.Signals]) -> None:
    pid, master = _start(sqtui("--url", redis_url), blocked)
    _read_until(master, b"Servers")
    os.close(master)
    assert _exit_code(pid) != 0


def test_a_window_closed_while_it_is_stopped(redis_url: str) -> None:
    """At SIGCONT, which follows a hangup, Textual starts to write once more, and there is nothing to write to."""
    pid, master = _start(sqtui("--url", redis_url), {signal.SIGHUP})
    _read_until(master, b"Servers")
    os.kill(pid, signal.SIGSTOP)
    os.close(master)
    os.kill(pid, signal.SIGCONT)
    assert _exit_code(pid) != 0
