"""What a one-shot view is: a question to every server in scope, and how the answers read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import flat

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.presentation.records import Record
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What one server gave: a value, the reason why not, or a part and why not all."""

    profile: Profile
    value: T | None = None
    error: Exception | None = None

    @property
    def name(self) -> str:
        """The server's name."""
        return self.profile.name

    @property
    def exit_code(self) -> int:
        """0 for a value; the error's own, or 1 for a mistake of ours."""
        if self.error is None:
            return 0
        return self.error.exit_code if isinstance(self.error, SqtuiError) else 1


class View(ABC, Generic[T]):
    """One view. `read` may raise any `SqtuiError`: that is the answer of this server alone."""

    word: ClassVar[str]
    tells_trouble: ClassVar[bool] = False
    """Whether the table itself says why a server gave nothing."""

    def wants(self, profile: Profile) -> bool:
        """Whether to ask this server of the scope at all."""
        return True

    async def ask(self, servers: Sequence[Server]) -> list[Outcome[T]]:
        """Ask all servers at once; none delays another, none hides another."""
        return list(await asyncio.gather(*map(self._outcome, servers)))

    async def _outcome(self, server: Server) -> Outcome[T]:
        try:
            return Outcome(server.profile, await self.read(server))
        except Exception as error:  # also a mistake of ours with one server's data must not hide the others
            return Outcome(server.profile, error=error)

    @abstractmethod
    async def read(self, server: Server) -> T:
        """Ask one server."""

    @abstractmethod
    def element(self, profile: Profile, value: T, now: float) -> Record:
        """What the JSON contract says about a server that answered; `now` in Unix seconds."""

    def element_without(self, profile: Profile, error: Exception) -> Record:
        """The same for a server that failed."""
        return {}

    @abstractmethod
    def table(self, outcomes: Sequence[Outcome[T]], now: float, look: Look) -> list[str]:
        """Lines of text, safe to print."""

    def total(self, elements: Sequence[Record]) -> Record:
        """What adds up over the servers."""
        return flat.total_record(self.word, elements)

    def lines(self, elements: Sequence[Record]) -> Iterable[Record]:
        """One record a line of NDJSON and CSV."""
        return flat.flat_records(self.word, elements)

    def csv_header(self) -> str:
        """The first line of CSV."""
        return flat.csv_header(self.word)

    def csv_row(self, record: Record) -> str:
        """One record as a line of CSV."""
        return flat.csv_row(self.word, record)

    def exit_code(self, values: Sequence[T], failure: int) -> int:
        """The exit code, from what servers answered and the code for those that did not (0: all did)."""
        return failure


def answers(outcomes: Iterable[Outcome[T]]) -> list[tuple[Profile, T]]:
    """The servers that answered, with what they said; also those that said only a part."""
    return [(outcome.profile, outcome.value) for outcome in outcomes if outcome.value is not None]
