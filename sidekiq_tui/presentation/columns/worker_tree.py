"""The rows of the workers' tree: processes in an order, under each the jobs that it runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.process import Process
    from sidekiq_tui.sidekiq.work import Work

LONG: Final = 3600.0
"""Seconds after which a job runs long when nothing is known of its class."""
LONG_TIMES: Final = 2.0
"""How many times the usual longest time is long: one of twenty jobs passes that time itself."""
LONG_LEAST: Final = 10.0
"""Seconds under which nothing is long, however short its class usually is."""


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process; `odd_version` where it runs another version than most."""

    process: Process
    odd_version: bool = False


@dataclass(frozen=True, slots=True)
class GoneRow:
    """An identity without a process: it died without a word, or its work was left behind."""

    identity: str


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A job in progress and the process that runs it, if that is known.

    `usual`: seconds that 95 of 100 runs of its class take at most, where that is known.
    """

    work: Work
    process: Process | None = None
    usual: float | None = None

    def runs_long(self, now: float) -> bool:
        """Whether it had run far longer than its class does at the process's last beat: it may have ended since.

        Where nothing is known of its class an hour is long. `now` in Unix seconds.
        """
        if self.work.run_at is None:
            return False
        beat = self.process.beat if self.process is not None else None
        limit = LONG if self.usual is None else max(LONG_LEAST, LONG_TIMES * self.usual)
        return min(now, beat or now) - self.work.run_at > limit


WorkerRow = ProcessRow | GoneRow | WorkRow
WorkerOrder = Literal["name", "state", "threads", "memory", "running", "beat", "version"]
"""By the columns of that name; `state` is trouble and `running` the longest job, both of which grow."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A process, or what is left of one, and its jobs, oldest first."""

    head: ProcessRow | GoneRow
    jobs: tuple[WorkRow, ...] = ()

    @property
    def identity(self) -> str:
        """The identity of the process."""
        return self.head.identity if isinstance(self.head, GoneRow) else self.head.process.identity


def worker_trees(
    processes: Iterable[Process],
    work: Iterable[Work],
    *,
    ghosts: Iterable[str] = (),
    usual: Mapping[str, float] | None = None,
    order: WorkerOrder = "name",
    falling: bool = False,
    now: float = 0.0,
) -> tuple[Tree, ...]:
    """Processes and what is left of others, each with its jobs. Equals stay by name, what is unknown comes last.

    `ghosts`: identities without a process; `usual`: the usual longest time of classes as metrics call them, in
    seconds; `now`: Unix seconds, for orders that need it.
    """
    known = {process.identity: process for process in processes}
    versions = Counter(process.version for process in known.values())
    most = versions.most_common(1)[0][0] if versions else None
    under: dict[str, list[WorkRow]] = {}
    for one in work:
        limit = usual.get(one.job.metrics_class or "") if usual else None
        under.setdefault(one.identity, []).append(WorkRow(one, known.get(one.identity), limit))
    trees = [
        Tree(ProcessRow(process, process.version != most), _oldest_first(under.pop(process.identity, ())))
        for process in sorted(known.values(), key=lambda process: (process_name(process).casefold(), process.identity))
    ]
    left = sorted({*ghosts, *under} - known.keys())
    if order == "name" and falling:
        trees.reverse()
    trees += [Tree(GoneRow(identity), _oldest_first(under.get(identity, ()))) for identity in left]
    rank = _RANKS[order]
    trees.sort(key=lambda tree: _rank(rank(tree, now), falling))
    return tuple(trees)


def tree_rows(trees: Iterable[Tree], folded: Collection[str] = frozenset()) -> tuple[WorkerRow, ...]:
    """The rows of trees, without the jobs of `folded` identities."""
    rows: list[WorkerRow] = []
    for tree in trees:
        rows.append(tree.head)
        if tree.identity not in folded:
            rows.extend(tree.jobs)
    return tuple(rows)


def worker_rows(
    processes: Iterable[Process], work: Iterable[Work], folded: Collection[str] = frozenset()
) -> tuple[WorkerRow, ...]:
    """The tree by name, all at once."""
    return tree_rows(worker_trees(processes, work), folded)


def process_name(process: Process) -> str:
    """`host:pid` where the process says both, else its identity; not yet safe to show."""
    if process.hostname is None or process.pid is None:
        return process.identity
    return f"{process.hostname}:{process.pid}"


def _oldest_first(jobs: Iterable[WorkRow]) -> tuple[WorkRow, ...]:
    return tuple(sorted(jobs, key=lambda job: math.inf if job.work.run_at is None else job.work.run_at))


def _rank(value: float | None, falling: bool) -> tuple[bool, float]:
    return (True, 0.0) if value is None else (False, -value if falling else value)


def _trouble(tree: Tree, now: float) -> float:
    if isinstance(tree.head, GoneRow):
        return 6
    process = tree.head.process
    if process.stale:
        return 5
    if process.status != "running":
        return 4 if process.status == "stopping" else 3
    return 2 if any(job.runs_long(now) for job in tree.jobs) else 1 if tree.head.odd_version else 0


def _longest(tree: Tree, now: float) -> float | None:
    return max((now - job.work.run_at for job in tree.jobs if job.work.run_at is not None), default=None)


def _version(process: Process) -> float | None:
    """A number that grows with the version."""
    parts = (process.version or "").split(".")[:3]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    return float(sum(int(part) * 10_000 ** (2 - place) for place, part in enumerate(parts)))


def _of_process(value: Callable[[Process], float | None]) -> Callable[[Tree, float], float | None]:
    return lambda tree, now: value(tree.head.process) if isinstance(tree.head, ProcessRow) else None


_RANKS: Final[Mapping[WorkerOrder, Callable[[Tree, float], float | None]]] = {
    "name": lambda tree, now: 0.0,
    "state": _trouble,
    "threads": _of_process(lambda process: process.busy),
    "memory": _of_process(lambda process: process.rss),
    "running": _longest,
    "beat": _of_process(lambda process: None if process.beat is None else -process.beat),
    "version": _of_process(_version),
}
