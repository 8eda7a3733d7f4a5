"""Which server this is: what tells it from another one behind the same name (operations-safety 7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.redis_info import parse_info

Sameness = Literal["same", "failover", "other"]


@dataclass(frozen=True, slots=True)
class ServerMark:
    """What tells the server that was planned for from another one behind the same address."""

    run_id: str | None
    replication_ids: tuple[str, ...]
    database: int
    namespace: str
    role: str | None

    def seen_again(self, now: ServerMark) -> Sameness:
        """Whether `now` is this server, the one that took over from it, or neither.

        A server that does not say who it is (INFO forbidden) is taken for the same while database and namespace are.
        """
        if (self.database, self.namespace) != (now.database, now.namespace):
            return "other"
        if self.run_id == now.run_id:
            return "same" if self.role == now.role else "other"
        if self.replication_ids and self.replication_ids[0] in now.replication_ids[1:]:
            return "failover"
        return "other"


async def read_mark(database: Database, number: int, namespace: str) -> ServerMark:
    """The mark of the server that answers on this connection: its database `number`. One trip. Raises SidekiqError."""
    replies = await database.pipeline([("INFO", "server"), ("INFO", "replication")])
    info = parse_info(b"\n".join(reply for reply in replies if isinstance(reply, bytes)))
    return ServerMark(info.run_id, info.replication_ids, number, namespace, info.role)
