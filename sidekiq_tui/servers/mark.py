"""Which server this is: what tells it from another one behind the same name (operations-safety 7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidekiq_tui.sidekiq.redis_info import RedisInfo

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


def mark_of(info: RedisInfo, database: int, namespace: str) -> ServerMark:
    """The mark of a server from its INFO."""
    return ServerMark(info.run_id, info.replication_ids, database, namespace, info.role)
