"""Queues, work, errors and metrics of several servers side by side or added up. Who is missing is named, never zero."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.servers.fleet import Answers, Fleet
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.error_groups import Cause, ErrorGroup
from sidekiq_tui.sidekiq.error_merge import merge_groups
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.histogram import FORMS, Counts, Form, add_up
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.sidekiq.metrics_merge import merge_metrics
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.stats import known_sum
from sidekiq_tui.sidekiq.work import Work

# ---- Queues


@dataclass(frozen=True, slots=True)
class QueueAcross:
    """The queues of one name, by server."""

    name: str
    parts: Mapping[str, QueueSummary]

    @property
    def size(self) -> int | None:
        """Jobs in all of them; None where none can be read."""
        return known_sum([queue.size for queue in self.parts.values()])

    @property
    def worst(self) -> tuple[str, float] | None:
        """The server where the next job has waited longest, and how long (seconds); None when no job waits."""
        waits = [
            (queue.latency, name) for name, queue in self.parts.items() if queue.size and queue.latency is not None
        ]
        return max(waits, key=lambda one: one[0])[::-1] if waits else None

    @property
    def processes(self) -> int | None:
        """Live processes that serve it anywhere."""
        return known_sum([queue.processes for queue in self.parts.values()])

    @property
    def paused(self) -> tuple[str, ...]:
        """Servers where it is paused."""
        return tuple(name for name, queue in self.parts.items() if queue.paused)


def queues_across(overviews: Mapping[str, Overview]) -> tuple[QueueAcross, ...]:
    """All queues by name, each with its summary on every server that has it."""
    found: dict[str, dict[str, QueueSummary]] = {}
    for server, overview in overviews.items():
        for queue in overview.queues:
            found.setdefault(queue.name, {})[server] = queue
    return tuple(QueueAcross(name, found[name]) for name in sorted(found))


# ---- Work


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A job in progress and the server that it lies on."""

    server: str
    work: Work


@dataclass(frozen=True, slots=True)
class MergedWork:
    """All jobs in progress, the longest running first."""

    rows: tuple[WorkRow, ...]
    missing: Mapping[str, SidekiqError]
    pending: frozenset[str] = frozenset()


async def read_work(
    fleet: Fleet, identities: Mapping[str, Sequence[str]], *, patience: float | None = None
) -> MergedWork:
    """The work of known processes, by server; one trip each up to 200 processes."""
    answers = await fleet.ask(lambda server: server.work(identities.get(server.name, ())), patience=patience)
    return MergedWork(_oldest_first(answers.values), answers.missing, answers.pending)


def _oldest_first(work: Mapping[str, Iterable[Work]]) -> tuple[WorkRow, ...]:
    rows = [WorkRow(name, one) for name, some in work.items() for one in some]
    rows.sort(key=lambda row: (math.inf if row.work.run_at is None else row.work.run_at, row.server, row.work.identity))
    return tuple(rows)


# ---- Errors


@dataclass(frozen=True, slots=True)
class FleetBoard(ErrorBoard):
    """The errors of several servers as one board: a group is a cause, whichever servers have it."""

    parts: Mapping[Cause, Mapping[str, ErrorGroup]] = field(default_factory=dict)
    """What each server has of a group."""
    boards: Mapping[str, ErrorBoard] = field(default_factory=dict)
    missing: Mapping[str, SidekiqError] = field(default_factory=dict)

    def servers_of(self, cause: Cause) -> tuple[str, ...]:
        """The servers that have a group, the one with most of its jobs first."""
        parts = self.parts.get(cause, {})
        return tuple(sorted(parts, key=lambda name: (-parts[name].count, name)))

    def is_new(self, group: ErrorGroup) -> bool | None:
        """Whether it is new on a server since that server's own latest deploy; None if no deploy is known of any."""
        parts = self.parts.get(group.cause, {})
        said = [self.boards[name].is_new(part) for name, part in parts.items()]
        known = [one for one in said if one is not None]
        return any(known) if known else None


def merge_boards(boards: Mapping[str, ErrorBoard], missing: Mapping[str, SidekiqError]) -> FleetBoard:
    """The boards of several servers as one; `missing` are the servers without one."""
    parts: dict[Cause, dict[str, ErrorGroup]] = {}
    for name, board in boards.items():
        for group in board.groups:
            parts.setdefault(group.cause, {})[name] = group
    groups = [merge_groups(list(some.values())) for some in parts.values()]
    groups.sort(key=lambda group: (-group.count, -(group.last_at or 0.0), *map(str, group.cause)))
    firsts = [board.first for board in boards.values() if board.first is not None]
    return FleetBoard(
        groups=tuple(groups),
        retries=sum(board.retries for board in boards.values()),
        dead=sum(board.dead for board in boards.values()),
        total=sum(board.total for board in boards.values()),
        complete=bool(boards) and not missing and all(board.complete for board in boards.values()),
        first=max(firsts, default=None),
        as_of=min((board.as_of for board in boards.values()), default=0.0),
        marks=tuple(sorted({mark for board in boards.values() for mark in board.marks}, key=lambda mark: mark.at)),
        denied=_denied(boards),
        skipped=sum(board.skipped for board in boards.values()),
        parts=parts,
        boards=boards,
        missing=missing,
    )


def known_errors(fleet: Fleet) -> FleetBoard:
    """What the servers' books know now, without asking anybody."""
    boards: dict[str, ErrorBoard] = {}
    missing: dict[str, SidekiqError] = {}
    for name, server in fleet.servers.items():
        board = server.errors.board
        if board is not None:
            boards[name] = board
        else:
            missing[name] = fleet.trouble(name) or SidekiqError("its errors were not read yet")
    return merge_boards(boards, missing)


def _denied(boards: Mapping[str, ErrorBoard]) -> dict[SetName, str]:
    denied: dict[SetName, str] = {}
    for name, board in boards.items():
        for place, why in board.denied.items():
            denied[place] = f"{denied[place]}; {name}: {why}" if place in denied else f"{name}: {why}"
    return denied


# ---- Metrics


@dataclass(frozen=True, slots=True)
class FleetMetrics:
    """Metrics added up, and what each server said. `total` is None when none answered."""

    total: Metrics | None
    parts: Mapping[str, Metrics]
    missing: Mapping[str, SidekiqError]
    pending: frozenset[str] = frozenset()


def total_of(found: FleetMetrics) -> Metrics:
    """What was added up. Raises SidekiqError where none answered."""
    if found.total is not None:
        return found.total
    raise next(iter(found.missing.values()), SidekiqError("no server was asked"))


async def read_top_metrics(
    fleet: Fleet, *, minutes: int | None = None, hours: int | None = None, patience: float | None = None
) -> FleetMetrics:
    """Every class of every server, as `Server.top_metrics`."""
    return _added(await fleet.ask(lambda one: one.top_metrics(minutes=minutes, hours=hours), patience=patience))


async def read_job_metrics(
    fleet: Fleet,
    class_name: str,
    *,
    minutes: int | None = None,
    hours: int | None = None,
    patience: float | None = None,
) -> FleetMetrics:
    """One class on every server, as `Server.job_metrics`."""

    async def read(server: Server) -> Metrics:
        return await server.job_metrics(class_name, minutes=minutes, hours=hours)

    return _added(await fleet.ask(read, patience=patience))


async def read_histograms(
    fleet: Fleet,
    wanted: Mapping[str, Collection[float]],
    forms: Collection[Form] = FORMS,
    *,
    patience: float | None = None,
) -> Answers[dict[str, dict[float, Counts]]]:
    """The histograms of classes by minute, as `Server.histograms`; add them up with `add_histograms`."""
    return await fleet.ask(lambda server: server.histograms(wanted, forms), patience=patience)


def add_histograms(parts: Iterable[Mapping[str, Mapping[float, Counts]]]) -> dict[str, dict[float, Counts]]:
    """Histograms by class and minute added up."""
    total: dict[str, dict[float, Counts]] = {}
    for part in parts:
        for name, minutes in part.items():
            known = total.setdefault(name, {})
            for minute, counts in minutes.items():
                known[minute] = add_up((known[minute], counts)) if minute in known else counts
    return total


def _added(answers: Answers[Metrics]) -> FleetMetrics:
    parts = answers.values
    total = merge_metrics(list(parts.values())) if parts else None
    return FleetMetrics(total, parts, answers.missing, answers.pending)
