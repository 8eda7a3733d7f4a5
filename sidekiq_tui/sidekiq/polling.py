"""What a poll remembers about queues and processes, so that the next one needs a single round trip.

Names that turn up new are asked for in one more trip (in slices, when there are very many). Past the limits below,
names take turns over several polls.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.process import COMMANDS_PER_PROCESS, Process, parse_process, process_commands
from sidekiq_tui.sidekiq.replies import members, natural, reason, scanned
from sidekiq_tui.sidekiq.stats import MAX_NAMES, oldest_at

LENGTHS_A_POLL: Final = 1000
TAILS_A_POLL: Final = 200
PROCESSES_A_POLL: Final = 500
COMMANDS_A_TRIP: Final = 2000
"""Of what is asked for the first time."""

HUGE_TAIL: Final = 64 * 1024
"""Bytes of a payload from which on a queue's tail is read only every HUGE_TAIL_POLLS polls."""
HUGE_TAIL_POLLS: Final = 10

Replies = Mapping[Hashable, object]


class Trip:
    """Commands for one pipeline, each with a name for its reply."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, Command] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, name: Hashable, *command: str | bytes | int | float) -> None:
        """Adds a command."""
        self._asked[name] = command

    async def send(self, db: Database) -> Replies:
        """One round trip; error replies stand in place. Raises SidekiqError only when the server can't be reached."""
        return dict(zip(self._asked, await db.pipeline(list(self._asked.values())), strict=True))

    async def send_in_slices(self, db: Database) -> Replies:
        """One round trip for each COMMANDS_A_TRIP; else like `send`."""
        commands, replies = list(self._asked.values()), []
        for start in range(0, len(commands), COMMANDS_A_TRIP):
            replies += await db.pipeline(commands[start : start + COMMANDS_A_TRIP])
        return dict(zip(self._asked, replies, strict=True))


class _Turns:
    """Picks names in turn when there are more than one poll may ask for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._next = 0

    def take(self, names: Sequence[str]) -> Sequence[str]:
        if len(names) <= self._limit:
            return names
        start = self._next % len(names)
        self._next = start + self._limit
        return [*names[start : self._next], *names[: max(0, self._next - len(names))]]


@dataclass(slots=True)
class QueueState:
    """What was last read about a queue; times in Unix seconds."""

    size: int | None = None
    oldest_at: float | None = None
    error: SidekiqError | None = None
    tail_from_poll: int = 0

    def latency(self, now: float) -> float | None:
        """Seconds the next job has waited at `now`; 0.0 when empty, None when unknown; never negative."""
        if self.size == 0:
            return 0.0
        if self.size is None or self.oldest_at is None:
            return None
        return max(0.0, now - self.oldest_at)


class QueueWatch:
    """The queues of a server: names, sizes and the times of their next jobs."""

    def __init__(self, keys: Keys) -> None:
        self.states: dict[str, QueueState] = {}
        self.problem: str | None = None
        self._keys = keys
        self._poll = 0
        self._lengths = _Turns(LENGTHS_A_POLL)
        self._tails = _Turns(TAILS_A_POLL)

    def ask_known(self, trip: Trip) -> None:
        """Begins a poll: asks about the queues of the last one."""
        self._poll += 1
        names = list(self.states)
        self._ask(trip, self._lengths.take(names), self._tails.take(self._with_tail(names)))

    def ask_new(self, trip: Trip, listed: object) -> None:
        """Takes the reply that lists all names, and asks about those that are new."""
        names, self.problem = _names(listed, "queues")
        new = [name for name in names if name not in self.states]
        self.states = {name: self.states.get(name) or QueueState() for name in names}
        self._ask(trip, new, new)

    def take(self, replies: Replies) -> None:
        """Keeps what was answered, and says in `problem` what was not."""
        for name, state in self.states.items():
            if ("size", name) in replies:
                self._take_size(state, replies["size", name])
            if ("tail", name) in replies:
                self._take_tail(state, replies["tail", name])
        failed = [state.error for state in self.states.values() if state.error is not None]
        if failed:
            which = "" if len(failed) == len(self.states) else f"{len(failed)} of {len(self.states)} queues: "
            self.problem = which + reason(failed[0])

    def _with_tail(self, names: Sequence[str]) -> Sequence[str]:
        """Queues whose tail is worth asking for; up to the limit also those last seen empty, which may have filled."""
        due = [name for name in names if self.states[name].tail_from_poll <= self._poll]
        if len(due) <= TAILS_A_POLL:
            return due
        return [name for name in due if self.states[name].size != 0]

    def _ask(self, trip: Trip, lengths: Iterable[str], tails: Iterable[str]) -> None:
        for name in lengths:
            trip.ask(("size", name), "LLEN", self._keys.queue(name))
        for name in tails:
            trip.ask(("tail", name), "LINDEX", self._keys.queue(name), -1)

    def _take_size(self, state: QueueState, reply: object) -> None:
        state.size = natural(reply)
        state.error = reply if isinstance(reply, SidekiqError) else None
        if state.size == 0:
            state.oldest_at, state.tail_from_poll = None, 0

    def _take_tail(self, state: QueueState, reply: object) -> None:
        if reply is None and state.error is None:
            state.size = 0  # taken between the two commands
        elif isinstance(reply, SidekiqError):
            state.error = state.error or reply
        state.oldest_at = oldest_at(reply)
        huge = isinstance(reply, bytes) and len(reply) >= HUGE_TAIL
        state.tail_from_poll = self._poll + HUGE_TAIL_POLLS if huge else 0


@dataclass(slots=True)
class ProcessWatch:
    """The processes of a server."""

    keys: Keys
    known: dict[str, Process | None] = field(default_factory=dict)
    """By identity; None for a dead one: named in `processes`, without a hash."""
    problem: str | None = None
    signals_problem: str | None = None
    _turns: _Turns = field(default_factory=lambda: _Turns(PROCESSES_A_POLL))

    def ask_known(self, trip: Trip) -> None:
        """Begins a poll: asks about the processes of the last one."""
        self._ask(trip, self._turns.take(list(self.known)))

    def ask_new(self, trip: Trip, listed: object) -> None:
        """Takes the reply that lists all names, and asks about those that are new."""
        names, self.problem = _names(listed, "processes")
        new = [name for name in names if name not in self.known]
        self.known = {name: self.known.get(name) for name in names}
        self._ask(trip, new)

    def take(self, replies: Replies, now: float, leader: str | None) -> None:
        """Keeps what was answered, and says in `problem` what was not."""
        self.signals_problem = None
        failed: list[SidekiqError] = []
        for identity in self.known:
            if ("process", identity, 0) not in replies:
                continue
            answers = [replies["process", identity, part] for part in range(COMMANDS_PER_PROCESS)]
            if isinstance(answers[1], SidekiqError):
                self.signals_problem = reason(answers[1])
            try:
                self.known[identity] = parse_process(identity, answers, now, leader)
            except SidekiqError as error:
                self.known[identity] = None
                failed.append(error)
        if failed:
            which = "" if len(failed) == len(self.known) else f"{len(failed)} of {len(self.known)} processes: "
            self.problem = which + reason(failed[0])

    @property
    def live(self) -> tuple[Process, ...]:
        """Those that have a hash, by identity."""
        return tuple(process for process in self.known.values() if process is not None)

    @property
    def dead(self) -> tuple[str, ...]:
        """Identities that are named, but whose hash is gone (protocol 6.3); none while hashes cannot be read."""
        if self.problem is not None:
            return ()
        return tuple(identity for identity, process in self.known.items() if process is None)

    def _ask(self, trip: Trip, identities: Iterable[str]) -> None:
        for identity in identities:
            for part, command in enumerate(process_commands(self.keys, identity)):
                trip.ask(("process", identity, part), *command)


def _names(reply: object, what: str) -> tuple[tuple[str, ...], str | None]:
    """The names in a set, in order, and what is wrong with them."""
    if isinstance(reply, SidekiqError):
        return (), reason(reply)
    cursor, _ = scanned(reply) or (0, [])
    return members(reply) or (), f"more than {MAX_NAMES:,} {what}: only some are read" if cursor else None
