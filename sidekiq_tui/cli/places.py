"""Which jobs a command is for: `dead class:Invoice`, `queue mailers`, `retries,dead error:Timeout`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations.selection import Matching, Selection, Whole
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.job import Place, PlaceKind

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.server import Server

SETS: Final[dict[str, PlaceKind]] = {
    "retries": "retry",
    "retry": "retry",
    "scheduled": "schedule",
    "schedule": "schedule",
    "dead": "dead",
}
_QUEUE: Final = "queue"
_QUEUES: Final = "queues"
_WORDS: Final = ("retries", "scheduled", "dead", _QUEUE, _QUEUES)


class Chosen:
    """The places and the filter that a command line named; `selection` turns them into jobs of a server."""

    def __init__(self, places: tuple[Place, ...], filter: Filter, *, every_queue: bool) -> None:
        self._places = places
        self._every_queue = every_queue
        self.filter: Final = filter

    def wants(self, server: str) -> bool:
        """Whether the filter's `server:` terms let it through."""
        return self.filter.matches_server(server)

    async def selection(self, server: Server) -> Selection:
        """What a plan takes. Reads the names of the queues where all are meant."""
        places = self._places
        if self._every_queue:
            overview = await server.overview()
            places += tuple(Place("queue", queue.name) for queue in overview.queues if queue.size != 0)
        if len(places) == 1 and self.of_all:
            return Whole(places[0])
        return Matching(places, self.filter)

    @property
    def of_all(self) -> bool:
        """Whether no job is filtered out; `server:` chooses servers, not jobs."""
        return len(self.filter.terms) == len(self.filter.servers)

    def only(self, *kinds: PlaceKind, command: str) -> Chosen:
        """Itself. Raises `UsageError` when it names a place that the command has nothing to do with."""
        named = {place.kind for place in self._places} | ({_QUEUE} if self._every_queue else set())
        if not named <= set(kinds):
            allowed = ", ".join(word for word in _WORDS if SETS.get(word, "queue") in kinds)
            raise UsageError(f"{command} is not for jobs there", hint=f"it takes {allowed}")
        return self

    def whole(self, command: str) -> Whole:
        """The one place that is meant as it is. Raises `UsageError` for several, and with a filter."""
        if not self.of_all:
            raise UsageError(f"{command} takes no filter", hint="delete takes one")
        if self._every_queue or len(self._places) != 1:
            raise UsageError(f"{command} takes one queue or set", hint=f"for example: sqtui {command} queue NAME")
        return Whole(self._places[0])


def chosen(args: argparse.Namespace) -> Chosen:
    """What the words of a command line name. Raises `UsageError` and `FilterError`."""
    word, words = args.place, list(args.words)
    places: list[Place] = []
    if word == _QUEUE:
        if not words:
            raise UsageError("which queue?", hint=f"sqtui {args.view} queue NAME")
        places = [Place("queue", words.pop(0))]
    elif word != _QUEUES:
        places = [_set(one, args.view) for one in dict.fromkeys(word.split(","))]
    return Chosen(tuple(dict.fromkeys(places)), filter_of(words, args.filter), every_queue=word == _QUEUES)


def filter_of(words: Sequence[str], texts: Sequence[str]) -> Filter:
    """One filter of words and of whole texts. Raises `FilterError`."""
    parts = [parse_filter(words), *(parse_filter(text) for text in texts)]
    return Filter(tuple(term for part in parts for term in part.terms))


def _set(word: str, command: str) -> Place:
    kind = SETS.get(word)
    if kind is not None:
        return Place(kind)
    nearest = difflib.get_close_matches(word, _WORDS, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"sqtui {command} retries|scheduled|dead|queue NAME|queues"
    raise UsageError(f"no such place for jobs: {word}", hint=hint)
