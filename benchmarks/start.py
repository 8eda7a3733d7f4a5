"""How long from Enter to the first data: one-shot, and in the terminal?

Run: python -m benchmarks.start
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from benchmarks.common import fill, plain_client, private_server
from tests.support.terminal import Terminal, sqtui

TIMES = 7


def main() -> None:
    """Prints medians over several whole processes, beside a bare interpreter's start."""
    with private_server() as server, plain_client(server) as client:
        fill(client, "retry", 1000)
        fill(client, "default", 1000)
        client.set("stat:processed", 123_456)
        bare = _median(partial(_run, "-c", "pass"))
        print(f"bare python            {bare * 1000:7.0f} ms")
        for label, arguments in (
            ("--version", ["--version"]),
            ("--help", ["--help"]),
            ("dashboard -o json", ["--url", server.url, "dashboard", "-o", "json"]),
            ("dashboard (table)", ["--url", server.url, "dashboard"]),
            ("retries -o ndjson", ["--url", server.url, "retries", "-o", "ndjson"]),
        ):
            middle = _median(partial(_run, "-m", "sidekiq_tui", *arguments))
            print(f"{label:22} {middle * 1000:7.0f} ms, {middle / bare:5.1f} x bare python")
        painted, data = zip(*(_terminal(server.url) for _ in range(TIMES)), strict=True)
        for label, times in (("first paint", painted), ("first data", data)):
            middle = statistics.median(times)
            print(f"terminal: {label:12} {middle * 1000:7.0f} ms, {middle / bare:5.1f} x bare python")


def _run(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def _median(run: Callable[[], float]) -> float:
    return statistics.median(run() for _ in range(TIMES))


def _terminal(url: str) -> tuple[float, float]:
    """Seconds to the first frame and to the first number that came from Redis."""
    started = time.perf_counter()
    with Terminal(sqtui("--url", url), columns=120, rows=40) as terminal:
        terminal.wait_for("Dashboard")
        painted = time.perf_counter() - started
        terminal.wait_for("1,000")
        data = time.perf_counter() - started
        terminal.send("q")
        terminal.wait_exit()
    return painted, data


if __name__ == "__main__":
    main()
