"""How much memory does the terminal take: at the start, in a set of a million, after walking through it?

Run: python -m benchmarks.memory
"""

from __future__ import annotations

from benchmarks.common import fill, plain_client, private_server, resident_bytes
from tests.support.terminal import Terminal, sqtui

ENTRIES = 1_000_000
PAGES = 300


def main() -> None:
    """Prints the resident memory of the program at each step, beside the server's for the same jobs."""
    with private_server() as server, plain_client(server) as client:
        with Terminal(sqtui("--url", server.url), columns=120, rows=40) as terminal:
            terminal.wait_for("0/0")
            terminal.wait_quiet(1.5)
            _report("an empty server", terminal)
        fill(client, "retry", ENTRIES)
        print(f"server with {ENTRIES:,} retries      {client.info('memory')['used_memory'] / 1e6:7.0f} MB")
        with Terminal(sqtui("--url", server.url), columns=120, rows=40) as terminal:
            terminal.wait_for("1.00M")
            _report("a million retries, the board", terminal)
            terminal.send("gr")
            terminal.wait_for("of 1.00M")
            _report("their list", terminal)
            terminal.send("G")
            terminal.wait_for("999,968")
            _report("its end", terminal)
            for _ in range(PAGES):
                terminal.send("[")
                terminal.read(0.02)
            terminal.wait_quiet(1.5)
            _report(f"{PAGES} pages further up", terminal)


def _report(what: str, terminal: Terminal) -> None:
    print(f"{what:32} {resident_bytes(terminal.pid) / 1e6:7.0f} MB")


if __name__ == "__main__":
    main()
