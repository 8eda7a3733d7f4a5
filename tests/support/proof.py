"""What must hold of a server whatever went wrong: no job lost, none twice, each outcome true, nothing left behind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sidekiq_tui.operations.outcome import Outcome

Snapshot = Mapping[str, Any]
"""All keys of a server: a list in order, a sorted set as pairs, a set, a hash, or bytes."""
Facts = dict[str, Counter[tuple[Any, ...]]]
"""By entry (a job, by its jid; a member or a key of anything else): all that is there of it."""

OWN: Final = "sqtui:"
SETS: Final = ("retry", "schedule", "dead")


async def snapshot(raw: Any) -> Snapshot:
    """Everything, ours included."""
    reads = {
        b"list": lambda key: raw.lrange(key, 0, -1),
        b"zset": lambda key: raw.zrange(key, 0, -1, withscores=True),
        b"set": raw.smembers,
        b"hash": raw.hgetall,
        b"string": raw.get,
    }
    found: dict[str, Any] = {}
    for key in sorted(await raw.keys("*")):
        found[key.decode("latin-1")] = await reads[await raw.type(key)](key)
    return found


def sidekiqs(found: Snapshot) -> dict[str, Any]:
    """What others see, without the names of queues, which stay known once something was in them."""
    return {name: value for name, value in found.items() if not name.startswith(OWN) and name != "queues"}


def is_jobs(name: str) -> bool:
    """Whether a key of Sidekiq's holds jobs."""
    return name in SETS or name.startswith("queue:")


def payloads(found: Snapshot, *, ours: bool) -> Counter[bytes]:
    """Jobs by their bytes in Sidekiq's places; or in our trash and stages."""
    counted: Counter[bytes] = Counter()
    for name, value in found.items():
        if name.startswith(("sqtui:trash:", "sqtui:stage:")) if ours else is_jobs(name):
            counted.update(one[0] if isinstance(one, list | tuple) else one for one in value)
    return counted


def facts(found: Snapshot, known: frozenset[str] = frozenset()) -> Facts:
    """All that is there of each entry. Jobs whose jid is not `known` are told apart by their arguments."""
    told: Facts = {}

    def tell(entry: str, *fact: Any) -> None:
        told.setdefault(entry, Counter())[fact] += 1

    for name, value in sidekiqs(found).items():
        if is_jobs(name):
            for one in value:
                payload, score = one if isinstance(one, list | tuple) else (one, None)
                entry = jid_of(payload)
                if known and entry not in known:
                    item = json.loads(payload)
                    new = f"new {json.dumps(item['args'])}"
                    payload = payload.replace(entry.encode(), b"new")
                    entry = new
                tell(entry, name, payload, score)
        elif isinstance(value, set):
            for member in value:
                tell(member.decode(), name)
        elif isinstance(value, list):  # members of a sorted set with their scores; signals
            for one in value:
                member, score = one if isinstance(one, list | tuple) else (name.encode(), one)
                tell(member.decode(), name, score)
        elif isinstance(value, dict):  # that of a process has the time of its last beat
            tell(name, *sorted(pair for pair in value.items() if pair[0] != b"beat"))
        else:
            tell(name, value)
    return told


def jid_of(payload: bytes) -> str:
    """The jid of a made job."""
    return str(json.loads(payload)["jid"])


def strays(found: Snapshot) -> list[str]:
    """Keys of ours that nothing leads to: not from the list of operations, nor from that of trash (I6)."""
    operations = {member.decode() for member, _ in found.get("sqtui:ops", [])}
    ids = {member.partition(":")[0] for member in operations}
    trash = {key.decode() for key, _ in found.get("sqtui:trash", [])}
    lost = []
    for name in found:
        if not name.startswith(OWN) or name in ("sqtui:ops", "sqtui:trash"):
            continue
        _, kind, id, *rest = name.split(":")
        member = id if rest[:1] == ["1"] else f"{id}:{rest[0]}" if rest else id
        reached = {
            "op": member in operations,
            "stage": id in ids,
            "shadow": id in ids,
            "old": id in ids,
            "trash": name in trash,
            "lock": True,  # lives for half a minute
        }
        if not reached.get(kind, False):
            lost.append(name)
    return lost + [f"{key} is listed and gone" for key in trash if key not in found]


def open_records(found: Snapshot) -> list[str]:
    """Records that nobody has ended."""
    return [
        name
        for name, value in found.items()
        if name.startswith("sqtui:op:") and not name.endswith(":closed") and value.get(b"state") == b"open"
    ]


async def immortal(raw: Any, found: Snapshot) -> list[str]:
    """Keys of ours that would stay for ever: without a time to live, though their operation has ended."""
    return [
        name
        for name in found
        if name.startswith(OWN) and name not in ("sqtui:ops", "sqtui:trash") and await raw.ttl(name) < 0
    ]


def check(before: Snapshot, after: Snapshot, ideal: Snapshot, outcome: Outcome, *, unknown: bool = False) -> None:
    """Each entry is as it was or as it should be; so many are as the outcome says. `unknown`: some may be."""
    known = frozenset(facts(before))
    was, now, wanted = facts(before), facts(after, known), facts(ideal, known)
    done = 0
    for entry in was.keys() | now.keys() | wanted.keys():
        here = now.get(entry, Counter())
        assert here in (was.get(entry, Counter()), wanted.get(entry, Counter())), (
            entry,
            was.get(entry),
            here,
            wanted.get(entry),
            outcome,
        )
        done += here != was.get(entry, Counter())
    tally = outcome.tally
    assert tally.duplicated == 0, outcome
    if unknown:
        assert tally.done <= done <= tally.done + tally.unknown, (done, outcome)
    else:
        assert (tally.done, tally.unknown) == (done, 0), (done, outcome)
    if outcome.ending == "done":
        assert done == sum(wanted.get(one, Counter()) != was.get(one, Counter()) for one in was.keys() | wanted.keys())
    if outcome.ending == "refused":
        assert done == 0, outcome


def check_sum(before: Snapshot, after: Snapshot) -> None:
    """Of what only moves or is deleted with a way back: the same bytes as often, trash and stages included."""
    assert payloads(before, ours=False) == payloads(after, ours=False) + payloads(after, ours=True)
