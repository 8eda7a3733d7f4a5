"""Many payloads fast: a few are built with care, the rest are stamped out from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, Literal

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.payloads import Payload, Writer, dumps, max_retries

Stage = Literal["waiting", "scheduled", "retrying", "dead"]

_CREATED, _ENQUEUED, _FAILED, _RETRIED = (float(9_000_000_000 + number) for number in range(4))
_JID: Final = "?" * 24
_TRIES: Final = (0, 0, 1, 2, 3, 5, 8)  # what `retry_count` of a waiting retry may be
_MOLDS: Final = 7  # molds for each kind of job
CHUNK: Final = 500  # payloads in one command


class Mint:
    """Makes payloads of an application's kinds, weighted by their shares, as they look at one stage of their life."""

    def __init__(self, writer: Writer, kinds: Sequence[JobKind], rng: Random, stage: Stage = "waiting") -> None:
        self._writer = writer
        self._rng = rng
        self._signs = [str(writer.stamp(at)).encode() for at in (_CREATED, _ENQUEUED, _FAILED, _RETRIED)]
        kinds = [kind for kind in kinds if _possible(kind, stage)]
        molds = [(self._mold(kind, stage), kind.share) for kind in kinds for _ in range(_MOLDS)]
        self._molds = [mold for mold, _ in molds]
        self._weights = [share for _, share in molds]

    def _mold(self, kind: JobKind, stage: Stage) -> bytes:
        payload: Payload = self._writer.job(kind, self._rng, _CREATED, None if stage == "scheduled" else _ENQUEUED)
        if stage in ("retrying", "dead"):
            limit = max_retries(payload)
            count = limit if stage == "dead" else self._rng.choice([tries for tries in _TRIES if tries < limit])
            payload = self._writer.failed(payload, kind, self._rng, _FAILED)
            if count > 0:
                payload |= {"retry_count": count, "retried_at": self._writer.stamp(_RETRIED)}
        return dumps(payload | {"jid": _JID})

    def batch(self, size: int) -> list[bytes]:
        """So many molds, picked by share; give each to `strike`."""
        return self._rng.choices(self._molds, self._weights, k=size)

    def strike(self, mold: bytes, created: float, enqueued: float, failed: float = 0.0, retried: float = 0.0) -> bytes:
        """One payload: a mold with its own jid and times (Unix seconds)."""
        payload = mold.replace(_JID.encode(), b"%024x" % self._rng.getrandbits(96))
        for sign, at in zip(self._signs, (created, enqueued, failed, retried), strict=True):
            payload = payload.replace(sign, str(self._writer.stamp(at)).encode())
        return payload


def _possible(kind: JobKind, stage: Stage) -> bool:
    """A job that is never retried is in no set of failures; one without tries dies at its first failure."""
    return not ((kind.retry is False and stage in ("retrying", "dead")) or (kind.retry == 0 and stage == "retrying"))


def chunks(total: int) -> Iterator[int]:
    """The sizes of the commands that write `total` payloads."""
    while total > 0:
        yield min(total, CHUNK)
        total -= CHUNK
