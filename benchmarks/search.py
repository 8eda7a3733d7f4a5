"""How fast is a filter over 100,000 retries, and what does it cost the server, beside ZSCAN MATCH?

Run: python -m benchmarks.search [ENTRIES]
"""

from __future__ import annotations

import asyncio
import sys
import time

import redis

from benchmarks.common import NOW, database, fill, plain_client, private_server, server_seconds
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import scan

WORDS = ("deadlocked", "class:=ThumbnailJob", "class:Invoice error:Timeout retry>2", "jid:00000000000000000001869f")


async def main(entries: int) -> None:
    """Prints matches, seconds here and CPU seconds of the server, for ours and for ZSCAN."""
    with private_server() as server, plain_client(server) as client:
        fill(client, "retry", entries)
        async with database(server.url) as db:
            await db.command("PING")
            found, seconds, cpu = _zscan(client, "*Deadlocked*")
            print(f"{entries:,} retries")
            print(
                f"  ZSCAN MATCH *Deadlocked*                {found:7,} found {seconds:6.2f} s, server {cpu:5.2f} s CPU"
            )
            for words in WORDS:
                before, started = server_seconds(client), time.perf_counter()
                found = worst = 0
                async for part in scan(db, Place("retry"), parse_filter(words), now=NOW):
                    found += len(part.jobs)
                    worst = max(worst, part.read)
                elapsed, used = time.perf_counter() - started, server_seconds(client) - before
                print(f"  {words:40}{found:7,} found {elapsed:6.2f} s, server {used:5.2f} s CPU")


def _zscan(client: redis.Redis, pattern: str) -> tuple[int, float, float]:
    before, started = server_seconds(client), time.perf_counter()
    found, cursor = 0, 0
    while True:
        answer, entries = client.zscan("retry", cursor, match=pattern, count=100)
        found += len(entries)
        cursor = int(answer)
        if cursor == 0:
            return found, time.perf_counter() - started, server_seconds(client) - before


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
