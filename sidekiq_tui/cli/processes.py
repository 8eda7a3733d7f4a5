"""From names of processes and hosts to the processes they mean."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli.scope import NotHere
from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations.catalog import PruneProcesses, SignalProcesses

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.servers.server import Server
    from sidekiq_tui.sidekiq.batch_items import Signal
    from sidekiq_tui.sidekiq.process import Process

ALL: Final = "all"
_SIGNALS: Final[dict[str, Signal]] = {"quiet": "TSTP", "stop": "TERM", "dump": "TTIN"}


def process_operation(args: argparse.Namespace) -> Callable[[Server], Awaitable[Operation]]:
    """How to make the operation on a server."""

    async def make(server: Server) -> Operation:
        processes, _ = await server.workers()
        if args.view == "prune":
            return PruneProcesses(identities=identities(args.processes, processes))
        return SignalProcesses(signal=_SIGNALS[args.view], identities=identities(args.processes, processes))

    return make


def identities(words: Sequence[str], processes: Sequence[Process]) -> tuple[str, ...]:
    """The identities that words name: identities, hosts, or `all`. Raises `SqtuiError` for what is none of these,
    `NotHere` where no word is."""
    found: dict[str, None] = {}
    for word in words:
        meant = [one.identity for one in processes if word in (ALL, one.identity, one.hostname)]
        if not meant and word != ALL:
            known = [name for one in processes for name in (one.identity, one.hostname) if name]
            nearest = difflib.get_close_matches(word, known, n=1)
            others = any(one in (other.identity, other.hostname) for one in words for other in processes)
            hint = f"did you mean {nearest[0]}?" if nearest else "sqtui workers shows those that are known"
            raise (SqtuiError if others else NotHere)(f"no process or host is called {word}", hint=hint)
        found.update(dict.fromkeys(meant))
    return tuple(found)
