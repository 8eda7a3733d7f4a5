"""What the records of a move say on both servers, so that any machine can go on with it. No payload, no argument."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, cast

from sidekiq_tui.operations.transform import Transform
from sidekiq_tui.sidekiq.job import Place, PlaceKind
from sidekiq_tui.sidekiq.keys import SET_NAMES
from sidekiq_tui.sidekiq.operation_record import OperationRecord
from sidekiq_tui.sidekiq.replies import json_value

KINDS: Final = ("transfer", "evacuate")
"""Operations whose records these are."""
_ROLE: Final = "role"
_PEER: Final = "peer"
_TRANSFORM: Final = "transform"
_WHOLE: Final = "src"


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """Where the other record of a move is: the profile's name, the server's run id, and the record's generation."""

    name: str
    run_id: str
    generation: int


def on_target(source: str) -> dict[str, str | int | float]:
    """Fields of the record on the target."""
    return {_ROLE: "target", _PEER: json.dumps([source, "", 0])}


def on_source(peer: PeerRecord, transform: Transform, whole: Collection[Place]) -> dict[str, str | int | float]:
    """Fields of the record on the source. `whole`: the queues and sets all of which go."""
    return {
        _ROLE: "source",
        _PEER: json.dumps([peer.name, peer.run_id, peer.generation]),
        _TRANSFORM: transform.text(),
        _WHOLE: json.dumps([[place.kind, place.queue] for place in whole]),
    }


def is_source(record: OperationRecord) -> bool:
    """Whether this is the record of a move on the server that jobs leave."""
    return record.kind in KINDS and record.fields.get(_ROLE) == b"source"


def is_target(record: OperationRecord) -> bool:
    """Whether this is the record of a move on the server that jobs come to."""
    return record.kind in KINDS and record.fields.get(_ROLE) == b"target"


def peer_of(fields: Mapping[str, bytes]) -> PeerRecord | None:
    """The other record; None when this one does not say."""
    match json_value(fields.get(_PEER)):
        case [str(name), str(run_id), int(generation)]:
            return PeerRecord(name, run_id, generation)
    return None


def transform_text(fields: Mapping[str, bytes]) -> bytes | None:
    """What becomes of the jobs, as `transform_from` reads it."""
    return fields.get(_TRANSFORM)


def whole_places(fields: Mapping[str, bytes]) -> tuple[Place, ...]:
    """The queues and sets all of which go; none when jobs were chosen."""
    places = []
    listed = json_value(fields.get(_WHOLE))
    for one in listed if isinstance(listed, list) else ():
        match one:
            case ["queue", str(queue)]:
                places.append(Place("queue", queue))
            case [str(kind), None] if kind in SET_NAMES:
                places.append(Place(cast(PlaceKind, kind)))
    return tuple(places)
