"""How many bytes a second reach the terminal: frozen, at rest while polling, and with moving numbers?

Run: python -m benchmarks.terminal_bytes
"""

from __future__ import annotations

import threading
import time

from benchmarks.common import fill, plain_client, private_server, resident_bytes
from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.support.terminal import Terminal, sqtui

SECONDS = 6.0
SCREENS = (
    ("gv", "servers"),
    ("gd", "dashboard"),
    ("gq", "queues"),
    ("gr", "retries"),
    ("gw", "workers"),
    ("ge", "errors"),
    ("gm", "metrics"),
)


def main() -> None:
    """Prints bytes a second per screen and size, and the CPU and memory of the process at the end."""
    with private_server() as server, plain_client(server) as client:
        fill(client, "retry", 1000)
        fill(client, "default", 1000)
        for columns, rows in ((120, 40), (80, 24)):
            with Terminal(sqtui("--url", server.url), columns=columns, rows=rows) as terminal:
                terminal.wait_for("1,000")
                for key, screen in SCREENS:
                    terminal.send(key)
                    _listen(terminal, 3.0)
                    _report(f"{columns}x{rows} {screen}, nothing moves", terminal, server, moving=False)
                    _report(f"{columns}x{rows} {screen}, numbers move", terminal, server, moving=True)
                terminal.send("Z")
                _listen(terminal, 2.0)
                _report(f"{columns}x{rows} frozen", terminal, server, moving=False)
                print(f"  memory {resident_bytes(terminal.pid) / 1e6:.0f} MB")
                terminal.send("qq")


def _report(label: str, terminal: Terminal, server: EmbeddedRedis, *, moving: bool) -> None:
    stop = threading.Event()
    traffic = threading.Thread(target=_traffic, args=(server, stop))
    if moving:
        traffic.start()
        _listen(terminal, 3.0)
    before = _cpu_seconds(terminal.pid)
    written = _listen(terminal, SECONDS)
    used = _cpu_seconds(terminal.pid) - before
    stop.set()
    if moving:
        traffic.join()
    print(f"{label:36} {written / SECONDS:8,.0f} bytes/s, {used / SECONDS * 100:5.1f}% of a core")


def _listen(terminal: Terminal, seconds: float) -> int:
    """Bytes written within that time."""
    before, deadline = len(terminal.output), time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        terminal.read(left)
    return len(terminal.output) - before


def _traffic(server: EmbeddedRedis, stop: threading.Event) -> None:
    with plain_client(server) as client:
        number = 0
        while not stop.wait(0.5):
            number += 1
            client.incrby("stat:processed", 317)
            client.lpush("queue:default", b'{"class":"MovingJob","args":[%d],"jid":"%024x"}' % (number, number))


def _cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"took {time.monotonic() - started:.0f} s")
