"""The one door to changing servers, for screens and commands alike: plan, question, start, undo, resume, audit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sidekiq_tui.operations.audit_line import AuditedOperation, AuditLine, Verdict
from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.history import UndoEntry, Unfinished
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.run import Run
from sidekiq_tui.operations.settings import OperationSettings
from sidekiq_tui.operations.who import Who, current_who
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    from sidekiq_tui.operations.guard import Question

__all__ = ["OperationSettings", "Operations", "Run", "UndoEntry", "Unfinished", "Who"]


class Operations:
    """All operations of a session. Use it inside one running event loop; nothing is created on disk before a start.

    `server` gives the reading side of a server by its name; `home` is the folder for journal and audit; `read_only`
    refuses everything and cannot be lifted. Every method raises `SidekiqError`.
    """

    def __init__(
        self,
        server: Callable[[str], Server],
        *,
        home: Path,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        who: Who | None = None,
        settings: OperationSettings | None = None,
    ) -> None:
        self._server = server
        self._home = home
        self._read_only = read_only
        self._clock = clock
        self.who = who or current_who()
        self.settings = settings or OperationSettings()
        self._runs: dict[str, Run] = {}

    async def plan(
        self, server: str, operation: Operation, *, progress: Callable[[int, int], None] | None = None
    ) -> Plan:
        """What the operation would do there; only reads. `progress` hears how many entries of how many were read."""
        raise NotImplementedError

    def question(self, plan: Plan) -> Question:
        """What a person must answer before it may start."""
        raise NotImplementedError

    def start(self, plan: Plan, answer: str = "", *, rate: float | None = None, undo_copy: bool = True) -> Run:
        """Begins in the background. `rate`: at most so many entries a second; without `undo_copy` it cannot be undone.

        Raises the guard's errors (read-only, wrong answer, plan too old, another server), and `AuditError` when the
        audit cannot be written: then nothing was done.
        """
        raise NotImplementedError

    @property
    def runs(self) -> tuple[Run, ...]:
        """All of this session, the newest last; also those that have ended."""
        return tuple(self._runs.values())

    def last_undoable(self, server: str) -> UndoEntry | None:
        """What `u` takes back: the last operation of this machine on that server that still can be."""
        raise NotImplementedError

    async def undoable(self, server: str) -> tuple[UndoEntry, ...]:
        """Everything that can be undone there, from this journal and from the server's trash, the newest first."""
        raise NotImplementedError

    async def unfinished(self, server: str) -> tuple[Unfinished, ...]:
        """Operations without an end on that server, ours and those of others, the oldest first."""
        raise NotImplementedError

    async def resume(self, server: str, id: str) -> Plan:
        """Fences what was begun, and plans its rest; start that as any plan. Raises when nobody knows what is left."""
        raise NotImplementedError

    async def leave(self, server: str, id: str) -> str:
        """Fences what was begun and ends it where it is; says in words how far it got."""
        raise NotImplementedError

    def audit_lines(self, *, newest_first: bool = False) -> Iterator[AuditLine]:
        """Every line of the audit, over all files."""
        raise NotImplementedError

    def audited(self, server: str | None = None, limit: int = 1000) -> tuple[AuditedOperation, ...]:
        """The last operations, the newest first, each with how it came out."""
        raise NotImplementedError

    async def verify_audit(self) -> Verdict:
        """Checks the chain against itself and the heads in the journal."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stops what runs after its batch, waits for that, and closes the journal."""
        raise NotImplementedError
