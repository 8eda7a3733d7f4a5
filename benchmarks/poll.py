"""What one poll costs on the wire: commands, bytes, round trips; per number of queues and processes.

Run: python -m benchmarks.poll
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from benchmarks.common import NOW, database, milliseconds, payload, plain_client, private_server, server_seconds, timed
from sidekiq_tui.sidekiq.overview import OverviewReader
from tests.support.proxy import FaultProxy

SHAPES = ((5, 2), (20, 10), (100, 50), (500, 100))


async def main() -> None:
    """Prints the first poll and the steady one."""
    with private_server() as server, plain_client(server) as client, tempfile.TemporaryDirectory() as folder:
        for queues, processes in SHAPES:
            client.flushall()
            for number in range(queues):
                client.sadd("queues", f"queue-{number}")
                client.lpush(f"queue:queue-{number}", payload(number))
            for number in range(processes):
                identity = f"app-{number}:17:abcdef012345"
                info = {"hostname": f"app-{number}", "pid": 17, "started_at": NOW, "queues": ["queue-1"], "labels": []}
                client.sadd("processes", identity)
                client.hset(identity, mapping={"info": json.dumps(info), "busy": 3, "concurrency": 5, "beat": NOW})
            async with FaultProxy(server.socket, Path(folder)) as proxy, database(proxy.url) as db:
                await db.command("PING")
                reader = OverviewReader(db)
                for label, now in (("first", NOW), ("steady", NOW + 2), ("steady, with INFO", NOW + 20)):
                    proxy.reset()
                    await reader.read(now)
                    wire = proxy.reset()
                    print(
                        f"{queues:4} queues {processes:4} processes, {label:18} {wire.trips} trips,"
                        f" {len(wire.commands):5} commands, {wire.sent:7,} bytes out, {wire.received:8,} in"
                    )
                before = server_seconds(client)
                seconds = await timed(lambda reader=reader: reader.read(NOW + 21), 50)  # type: ignore[misc]
                used = (server_seconds(client) - before) / 50
                print(f"{'':26} {milliseconds(seconds)}, server CPU {used * 1000:.2f} ms a poll")


if __name__ == "__main__":
    asyncio.run(main())
