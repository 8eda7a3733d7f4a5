"""Where a job is and how it moved, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.text import display_text

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind
    from sidekiq_tui.sidekiq.job_follow import Spot

_IN: Final[dict[PlaceKind, str]] = {
    "retry": "in retries",
    "schedule": "scheduled",
    "dead": "in the dead set",
    "work": "running",
}
_NAME_CELLS: Final = 60


_LIVELY: Final = ("work", "queue", "retry", "schedule", "dead")


def liveliest(places: Sequence[tuple[str, JobRecord]]) -> tuple[str, JobRecord] | None:
    """Which of the places (server and job) of one JID to follow: where it is most alive; None where there is none."""
    return min(places, key=lambda one: _LIVELY.index(one[1].place.kind), default=None)


def liveliest_spot(spots: Mapping[str, Spot]) -> tuple[str, Spot] | None:
    """The same of looks by server."""
    found = liveliest([(server, spot.job) for server, spot in spots.items()])
    return None if found is None else (found[0], spots[found[0]])


def in_words(place: Place) -> str:
    """Being in a place: `in retries`, `scheduled`, `in the dead set`, `in queue mailers`, `running`."""
    if place.kind == "queue":
        return f"in queue {display_text(place.queue or '', _NAME_CELLS)}"
    return _IN[place.kind]


def spot_words(spot: Spot) -> str:
    """Where a job is: `running on app-1:5916`, `in queue low, unless it left unseen`."""
    if spot.work is not None:
        return f"running on {display_text(spot.work.identity, _NAME_CELLS)}"
    return in_words(spot.place) + ("" if spot.sure else ", unless it left unseen")


def moved_words(before: Spot, after: Spot | None) -> str:
    """What happened between two looks: `moved from retry to default`, `running on …`, `gone from …`; or nothing."""
    if after is None:
        if before.work is not None:
            return f"gone from {_name(before)}: done or deleted"
        return f"gone from {_name(before)}: done or deleted, unless it lies where a short look does not reach"
    if _name(before) == _name(after):
        return "came back in other bytes" if before.job.raw != after.job.raw and before.work is None else ""
    if after.work is not None:
        return spot_words(after)
    return f"moved from {_name(before)} to {_name(after)}"


def between_words(before: Spot, left: str, after: Spot, server: str) -> str:
    """That it is on another server now: `moved from retry on staging to default on prod`."""
    there = f"{_name(before)} on {display_text(left, _NAME_CELLS)}"
    return f"moved from {there} to {_name(after)} on {display_text(server, _NAME_CELLS)}"


def _name(spot: Spot) -> str:
    """A queue by its name, a set by its key, a process by its identity."""
    if spot.work is not None:
        return display_text(spot.work.identity, _NAME_CELLS)
    return display_text(spot.place.queue or "", _NAME_CELLS) if spot.place.kind == "queue" else spot.place.kind
