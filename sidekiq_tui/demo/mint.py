"""Many payloads fast: a few are built with care, the rest are stamped out from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.payloads import Payload, Writer, dumps, max_retries

Stage = Literal["waiting", "scheduled", "retrying", "dead"]

_CREATED, _ENQUEUED, _FAILED, _RETRIED = (float(9_000_000_000 + number) for number in range(4))
_JID: Final = "?" * 24
_TRIES: Final = (0, 0, 1, 2, 3, 5, 8)  # what `retry_count` of a waiting retry may be
_MOLDS: Final = 7  # molds for each kind of job
CHUNK: Final = 500  # payloads in one command


class Mold(NamedTuple):
    """A payload with gaps: `places` says what goes into each, 0 the jid, then the four times."""

    form: bytes
    places: tuple[int, ...]


class Mint:
    """Makes payloads of an application's kinds, weighted by their shares, as they look at one stage of their life."""

    def __init__(self, writer: Writer, kinds: Sequence[JobKind], rng: Random, stage: Stage = "waiting") -> None:
        self._writer = writer
        self._rng = rng
        self._whole = writer.milliseconds
        self._signs = [_JID.encode(), *map(self._stamp, (_CREATED, _ENQUEUED, _FAILED, _RETRIED))]
        kinds = [kind for kind in kinds if _possible(kind, stage)]
        molds = [(self._mold(kind, stage), kind.share) for kind in kinds for _ in range(_MOLDS)]
        self._molds = [mold for mold, _ in molds]
        self._weights = [share for _, share in molds]

    def _mold(self, kind: JobKind, stage: Stage) -> Mold:
        payload: Payload = self._writer.job(kind, self._rng, _CREATED, None if stage == "scheduled" else _ENQUEUED)
        if stage in ("retrying", "dead"):
            limit = max_retries(payload)
            count = limit if stage == "dead" else self._rng.choice([tries for tries in _TRIES if tries < limit])
            payload = self._writer.failed(payload, kind, self._rng, _FAILED)
            if count > 0:
                payload |= {"retry_count": count, "retried_at": self._writer.stamp(_RETRIED)}
        parts = re.split(b"(" + b"|".join(map(re.escape, self._signs)) + b")", dumps(payload | {"jid": _JID}))
        form = b"%b".join(part.replace(b"%", b"%%") for part in parts[::2])
        return Mold(form, tuple(map(self._signs.index, parts[1::2])))

    def batch(self, size: int) -> list[Mold]:
        """So many molds, picked by share; give each to `strike`."""
        return self._rng.choices(self._molds, self._weights, k=size)

    def strike(self, mold: Mold, created: float, enqueued: float, failed: float = 0.0, retried: float = 0.0) -> bytes:
        """One payload: a mold with its own jid and times (Unix seconds)."""
        times = (created, enqueued, failed, retried)
        own = b"%024x" % self._rng.getrandbits(96)
        whole = self._whole
        return mold.form % tuple(
            [
                own if at == 0 else b"%d" % int(times[at - 1] * 1000) if whole else self._stamp(times[at - 1])
                for at in mold.places
            ]
        )

    def _stamp(self, at: float) -> bytes:
        return str(self._writer.stamp(at)).encode()


def _possible(kind: JobKind, stage: Stage) -> bool:
    """A job that is never retried is in no set of failures; one without tries dies at its first failure."""
    return not ((kind.retry is False and stage in ("retrying", "dead")) or (kind.retry == 0 and stage == "retrying"))


def chunks(total: int) -> Iterator[int]:
    """The sizes of the commands that write `total` payloads."""
    while total > 0:
        yield min(total, CHUNK)
        total -= CHUNK
