"""What an operation changed in a server, in the words in which Ruby's own effects were recorded.

The recordings are in fixtures/operation-effects.json: for each version and operation the differences of all keys.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.support.batch_cases import Value
from tests.support.dumps import FIXTURES

_TIME: Final = re.compile(r"→ 17\d{8,11}(\.\d+)?\b")
_MORE: Final = re.compile(r"\((\d+) more payloads likewise\)")


def recorded(version: str) -> dict[str, dict[str, list[str]]]:
    """By section and operation: the effects that Ruby had in that version."""
    effects: dict[str, dict[str, dict[str, list[str]]]] = json.loads(
        (FIXTURES / "operation-effects.json").read_text("utf-8")
    )
    return effects[version]


def comparable(effects: Iterable[str]) -> list[str]:
    """Effects without what differs on purpose: Ruby writes a payload anew, and so with its fields in another order."""
    return sorted(
        effect.replace("; key order changed", "") for effect in effects if not effect.startswith("field order now")
    )


def timeless(effects: Iterable[str]) -> list[str]:
    """Effects without the present time, for operations in which each job has its own."""
    return [_TIME.sub("→ now", re.sub(r"(to dead) \(score [\d.]+\)", r"\1", effect)) for effect in effects]


def more(effects: Iterable[str]) -> int:
    """How many payloads a recording leaves out."""
    return sum(int(found.group(1)) for effect in effects if (found := _MORE.fullmatch(effect)))


def effects_between(
    before: Mapping[bytes, Value], after: Mapping[bytes, Value], lives: Mapping[bytes, int] | None = None
) -> list[str]:
    """The effects of what happened in between. `lives`: seconds to live of keys that got a limit."""
    effects: list[str] = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        life = f" (ttl {lives[key]} s)" if lives and key in lives else ""
        value = new if new is not None else old
        effects += [effect + life for effect in _of_key(key.decode(), old, new, value)]
    return effects + _of_payloads(before, after)


def _of_key(name: str, old: Any, new: Any, value: Any) -> list[str]:
    match value:
        case bytes():
            return [f"string `{name}`: {_shown(old)} → {_shown(new)}"]
        case frozenset():
            gone, come = (
                sorted((old or frozenset()) - (new or frozenset())),
                sorted((new or frozenset()) - (old or set())),
            )
            return [
                f"set `{name}`: "
                + " ".join([*(f"+{one.decode()}" for one in come), *(f"-{one.decode()}" for one in gone)])
            ]
        case list():
            return [_counts("list", "entries", name, Counter(old or ()), Counter(new or ()))]
        case dict() if all(isinstance(score, float) for score in value.values()):
            return [_of_set(name, old or {}, new or {})]
    fields = [
        f"{field.decode()}: {_shown((old or {}).get(field))} → {_shown(text)}" for field, text in (new or {}).items()
    ]
    return [f"hash `{name}`{'' if old else ' created'}: " + "; ".join(fields)]


def _shown(value: bytes | None) -> str:
    return "(absent)" if value is None else value.decode()


def _counts(kind: str, entries: str, name: str, old: Counter[bytes], new: Counter[bytes]) -> str:
    state = " created" if not old else " removed" if not new else ""
    changes = [(new - old, "added"), (old - new, "removed")]
    words = ", ".join(f"{change.total()} {word}" for change, word in changes if change)
    return f"{kind} `{name}`{state}: {old.total()} → {new.total()} {entries}, {words}"


def _of_set(name: str, old: Mapping[bytes, float], new: Mapping[bytes, float]) -> str:
    moved = [(old[job], new[job]) for job in old.keys() & new.keys() if old[job] != new[job]]
    if moved:
        ((was, is_now),) = moved
        counts = f"{len(old)} → {len(new)} members"
        return f"zset `{name}`: {counts}, score of 1 changed ({was:.17g} → {is_now:.17g})"
    return _counts("zset", "members", name, Counter(old.keys()), Counter(new.keys()))


def _of_payloads(before: Mapping[bytes, Value], after: Mapping[bytes, Value]) -> list[str]:
    """What happened to the jobs that are elsewhere, or other bytes, than before."""
    gone = {_jid(job): (place, job, score) for place, job, score in _left(before, after)}
    effects = []
    for place, job, score in _left(after, before):
        origin = gone.get(_jid(job))
        where = place.decode() + (" (head)" if score is None else f" (score {score:.17g})")
        if origin is None:
            effects.append(f"new payload in {where}: fields {', '.join(json.loads(job))}")
            continue
        source = f"{origin[0].decode()}" + ("" if origin[2] is None else f" (score {origin[2]:.17g})")
        if origin[1] == job:
            effects.append(f"payload moved byte for byte from {source} to {where}")
        else:
            effects.append(f"payload of one job rewritten from {source} to {where}: {_changes(origin[1], job)}")
    return effects


def _left(one: Mapping[bytes, Value], other: Mapping[bytes, Value]) -> Iterable[tuple[bytes, bytes, float | None]]:
    """The payloads of one state that are not in the same place of the other."""
    for place, value in one.items():
        there = other.get(place)
        if place.endswith(b"-signals"):
            continue
        if isinstance(value, list):
            rest = Counter(value) - Counter(there if isinstance(there, list) else ())
            yield from ((place, job, None) for job in rest)
        elif isinstance(value, dict):
            known = there if isinstance(there, dict) else {}
            yield from (
                (place, job, score) for job, score in value.items() if job not in known and isinstance(score, float)
            )


def _jid(job: bytes) -> object:
    try:
        return json.loads(job).get("jid", job)
    except (ValueError, AttributeError):
        return job


def _changes(old: bytes, new: bytes) -> str:
    was, is_now = json.loads(old), json.loads(new)
    names = [name for name in is_now if name not in was or was[name] != is_now[name]]
    changes = [f"{name}: {_json(was, name)} → {_json(is_now, name)}" for name in sorted(names)]
    return "; ".join([*changes, *(f"{name}: dropped" for name in was if name not in is_now)])


def _json(item: Mapping[str, object], name: str) -> str:
    return json.dumps(item[name]) if name in item else "(absent)"
