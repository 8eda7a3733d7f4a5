"""A server that goes and comes back under a running terminal."""

from __future__ import annotations

from pathlib import Path

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.support.terminal import Terminal, sqtui


def test_stale_is_shown_and_goes_away_by_itself(redis_url: str, redis_binary: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    server = EmbeddedRedis.start(folder, binary=redis_binary, name="shop")
    address = f"unix://{server.socket}"
    try:
        with Terminal(sqtui("--url", address, "--url", redis_url), columns=120, rows=40) as terminal:
            terminal.wait_for("2 of 2")
            server.stop()
            terminal.wait_for("1 of 2")  # the other one goes on
            seen = len(terminal.output)
            terminal.send("1gd")
            terminal.wait_for("STALE", seen)
            terminal.wait_for("is offline", seen)
            terminal.wait_for("try now", seen)
            seen = len(terminal.output)
            server = EmbeddedRedis.start(folder, binary=redis_binary, name="shop")
            assert f"unix://{server.socket}" == address
            terminal.wait_for("live", seen)  # in the place of the chip, without a key
            terminal.send("gv")
            terminal.wait_for("2 of 2", seen)
            terminal.send("\x11")
            assert terminal.wait_exit() == 0
    finally:
        server.stop()
