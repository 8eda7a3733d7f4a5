"""What the journal keeps of an entry, so that it can be put back: where it lay, its bytes, and what became of them.

A batch is one blob: lengths and bytes, compressed. Nothing here is read by anyone but sqtui.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, cast

from sidekiq_tui.operations.targets import DIGEST_SIZE, Targets, digest
from sidekiq_tui.sidekiq.job import Place, PlaceKind

_HEAD: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<HHddII")
_DIGESTS: Final = b"\0"
"""How a blob of digests begins; one that is compressed never does."""
_HANDLED: Final = frozenset("10xD?")
_NONE: Final = 0xFFFFFFFF
_SAME: Final = 0xFFFFFFFE
"""In place of the second length: the bytes are those of the first."""


class Entry(NamedTuple):
    """One entry before and after. What is no job has its name in `old` and no place."""

    place: Place | None
    old: bytes
    score: float | None = None
    target: Place | None = None
    new: bytes | None = None
    new_score: float | None = None


def pack(entries: Sequence[Entry]) -> bytes:
    """The entries as one compressed blob."""
    places: dict[Place | None, int] = {}
    parts = [b""]
    for entry in entries:
        place = places.setdefault(entry.place, len(places))
        target = places.setdefault(entry.target, len(places))
        new = entry.new
        length = _NONE if new is None else _SAME if new == entry.old else len(new)
        scores = _number(entry.score), _number(entry.new_score)
        parts.append(_ENTRY.pack(place, target, *scores, len(entry.old), length))
        parts.append(entry.old)
        if length < _SAME and new:
            parts.append(new)
    named = json.dumps([_place_list(place) for place in places]).encode("ascii")
    parts[0] = _HEAD.pack(len(named)) + named
    return zlib.compress(b"".join(parts), 1)


def unpack(blob: bytes) -> list[Entry]:
    """The entries of a blob. Raises ValueError if it is damaged."""
    try:
        data = zlib.decompress(blob)
        (length,) = _HEAD.unpack_from(data)
        at = _HEAD.size + length
        places = [_place(found) for found in json.loads(data[_HEAD.size : at])]
        entries: list[Entry] = []
        while at < len(data):
            place, target, score, new_score, old_length, new_length = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size
            old, at = data[at : at + old_length], at + old_length
            new: bytes | None = None if new_length == _NONE else old
            if new_length < _SAME:
                new, at = data[at : at + new_length], at + new_length
            entries.append(Entry(places[place], old, _maybe(score), places[target], new, _maybe(new_score)))
    except (zlib.error, struct.error, IndexError, TypeError) as error:
        raise ValueError("a damaged batch in the journal") from error
    return entries


def pack_digests(digests: Sequence[bytes]) -> bytes:
    """A batch of which only the digests are kept: so that it is known later what was handled."""
    return _DIGESTS + b"".join(digests)


def is_digests(blob: bytes) -> bool:
    """Whether only digests were kept."""
    return blob[:1] == _DIGESTS


def handled(blob: bytes, results: str) -> Iterator[tuple[Place | None, bytes]]:
    """Place (None: not kept) and digest of the entries of a batch of which it is known what became of them."""
    if is_digests(blob):
        starts = range(1, len(blob), DIGEST_SIZE)
        found: Iterable[tuple[Place | None, bytes]] = ((None, blob[at : at + DIGEST_SIZE]) for at in starts)
    else:
        found = ((entry.place, digest(entry.old)) for entry in unpack(blob))
    return (one for one, result in zip(found, results, strict=False) if result in _HANDLED)


def pack_targets(targets: Targets) -> bytes:
    """The digests of a selection, by place; a digest that is there twice stands there twice."""
    places = list(targets.digests)
    counted = [(_place_list(place), targets.digests[place].total()) for place in places]
    named = json.dumps(counted).encode("ascii")
    return _HEAD.pack(len(named)) + named + b"".join(b"".join(targets.digests[place].elements()) for place in places)


def unpack_targets(blob: bytes) -> Targets:
    """The selection again, without its jobs. Raises ValueError if it is damaged."""
    try:
        (length,) = _HEAD.unpack_from(blob)
        at = _HEAD.size + length
        digests: dict[Place, Counter[bytes]] = {}
        for listed, count in json.loads(blob[_HEAD.size : at]):
            end = at + count * DIGEST_SIZE
            place = _place(listed)
            if place is not None:
                digests[place] = Counter(blob[start : start + DIGEST_SIZE] for start in range(at, end, DIGEST_SIZE))
            at = end
    except (struct.error, TypeError) as error:
        raise ValueError("a damaged selection in the journal") from error
    return Targets(digests)


def _place_list(place: Place | None) -> list[str | None] | None:
    return None if place is None else [place.kind, place.queue]


def _place(listed: object) -> Place | None:
    if listed is None:
        return None
    if not isinstance(listed, list) or len(listed) != 2:
        raise ValueError("a damaged place in the journal")
    return Place(cast(PlaceKind, listed[0]), listed[1])


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _maybe(value: float) -> float | None:
    return None if math.isnan(value) else value
