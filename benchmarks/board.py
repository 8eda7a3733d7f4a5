"""The board in a real terminal over 1, 10 and 50 servers: CPU, polls, bytes; and from a digit to its server's screen.

Each server is a database of one Redis: what is measured is sqtui's part (Linux only).

Run: python -m benchmarks.board
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.common import payload, private_server
from benchmarks.many_servers import DATABASES, client, fill
from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.support.grid import Grid
from tests.support.terminal import Terminal, sqtui

WARM_UP: Final = 12.0
SECONDS: Final = 20.0
SWITCHES: Final = 30
RETRIES: Final = 1000
PATIENCE: Final = 10.0
QUIET: Final = 0.1

VIEWS: Final = (("gd", "dashboard"), ("gq", "queues"), ("gr", "retries"))
"""Screens to switch on: what only draws, and what reads a page first."""


def profiles(server: EmbeddedRedis, folder: Path, count: int) -> Path:
    """A settings file with the first databases as servers."""
    path = folder / f"{count}.toml"
    lines = [f'[servers.s{number:02}]\nsocket = "{server.socket}"\ndatabase = {number}\n' for number in range(count)]
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def watch(server: EmbeddedRedis, settings: Path, count: int) -> None:
    """The board at rest and while numbers move on all servers."""
    with Terminal(sqtui("--config", str(settings)), columns=120, rows=40) as terminal:
        terminal.wait_for(f"{count} of {count}" if count > 1 else "s00")
        _listen(terminal, WARM_UP)
        for moving in (False, True):
            stop = threading.Event()
            traffic = threading.Thread(target=_traffic, args=(server, count, stop))
            if moving:
                traffic.start()
                _listen(terminal, 3.0)
            polls, used, began = _polls(server), _cpu_seconds(terminal.pid), time.monotonic()
            written = _listen(terminal, SECONDS)
            took = time.monotonic() - began
            used, polls = _cpu_seconds(terminal.pid) - used, _polls(server) - polls
            stop.set()
            if moving:
                traffic.join()
            print(
                f"  {count:3} servers, {'numbers move' if moving else 'nothing moves'}: {100 * used / took:5.1f}% of a "
                f"core, {polls / took:5.1f} polls/s, {written / took:8,.0f} bytes/s to the terminal",
                flush=True,
            )


def switch(settings: Path, count: int) -> None:
    """From a digit to the first moment at which all of the other server's screen is there."""
    with Terminal(sqtui("--config", str(settings)), columns=120, rows=40) as terminal:
        terminal.wait_for(f"{count} of {count}" if count > 1 else "s00")
        _listen(terminal, WARM_UP)
        for keys, name in VIEWS:
            terminal.send("1" + keys)
            _listen(terminal, 3.0)
            seconds = []
            for number in range(SWITCHES):
                digit = 2 + number % 8
                seconds.append(_press(terminal, str(digit), partial(_is_of, digit - 1)))
            ordered = sorted(one * 1000 for one in seconds)
            print(
                f"  {name:10} {statistics.median(ordered):6.0f} ms, worst {ordered[-1]:6.0f} ms, of {count} servers",
                flush=True,
            )


def _is_of(database: int, text: str) -> bool:
    """Whether totals and body are those of one server: each has its own number of retries, queues and first job."""
    retries = f"{RETRIES + database:,}"
    lines = text.splitlines()
    if f"retries {retries}" not in lines[1]:
        return False
    body = "\n".join(lines[3:-2])
    title = lines[3]
    if "Retries" in title:
        waiting = any(line.replace("▌", "").strip() == "…" for line in lines[4:-2])
        return f"Retries {retries}" in title and "▌" in body and not waiting
    return f"Queues {5 + database}" in body


def _press(terminal: Terminal, key: str, shown: Callable[[str], bool]) -> float:
    grid = Grid()
    terminal.wait_quiet(QUIET)
    grid.feed(terminal.output)
    started = time.perf_counter()
    terminal.send(key)
    while True:
        fresh = terminal.read(QUIET)
        took = time.perf_counter() - started
        grid.feed(fresh)
        if shown(grid.text):
            return took
        if took > PATIENCE:
            raise AssertionError(f"{key!r} did nothing:\n{grid.text}")


def _listen(terminal: Terminal, seconds: float) -> int:
    """Bytes written within that time."""
    before, deadline = len(terminal.output), time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        terminal.read(left)
    return len(terminal.output) - before


def _traffic(server: EmbeddedRedis, count: int, stop: threading.Event) -> None:
    clients = [client(server, database) for database in range(count)]
    number = 0
    while not stop.wait(0.5):
        number += 1
        for one in clients:
            one.incrby("stat:processed", 317)
            one.lpush("queue:queue-0", payload(number))


def _polls(server: EmbeddedRedis) -> int:
    """Polls so far: each counts twice what is overdue."""
    with client(server, 0) as one:
        stats = one.info("commandstats")
    return int(stats.get("cmdstat_zcount", {}).get("calls", 0)) // 2


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Prints what was seen."""
    with private_server(config=(f"databases {DATABASES}",)) as server, tempfile.TemporaryDirectory() as folder:
        fill(server, 5, 2)
        for database in range(DATABASES):
            with client(server, database) as one:
                now = time.time()
                one.zadd("retry", {payload(number): now + 60 + number for number in range(RETRIES + database)})
                for number in range(database):
                    one.sadd("queues", f"more-{number:02}")
        files = {count: profiles(server, Path(folder), count) for count in (1, 10, 50)}
        print("the board, 5 queues and more, 2 processes each, 120x40:")
        for count, settings in files.items():
            watch(server, settings, count)
        print("from a digit to the other server's whole screen:")
        for count in (10, 50):
            switch(files[count], count)


if __name__ == "__main__":
    main()
