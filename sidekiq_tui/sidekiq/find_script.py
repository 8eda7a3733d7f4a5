"""The scripts that have the server look for text, and what they are told to look for.

They only read (EVAL_RO lets nothing else run), stop after so many entries or bytes, and return what may match: each
payload that has the needles in it in any letter case, or writes characters in a way that hides them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

Needles = tuple[tuple[bytes, ...], ...]
"""Lower-case ASCII: of each tuple one must be in a payload."""

ENTRIES: Final = 1000
"""At most so many entries are looked at in a call: about a millisecond of the server's time (benchmarks/search.py)."""
BYTES: Final = 512 * 1024
"""No more are looked at in a call once so many bytes have been."""

# To lower each payload first costs twice as much as all the rest, so a rare pair of letters (a seed) is looked for in
# each case, and only where that is found the whole needle, in lower case. The first five seeds, which is what a pair of
# letters has at most with the sign of escapes, are looked for without a loop: a sixth of the price of all.
# ARGV from `at` on: how many terms; of each how many needles; of each needle itself, how many seeds, the seeds.
_MAY_MATCH: Final = b"""
local find, lower, byte, call = string.find, string.lower, string.byte, redis.call
local function terms_from(at)
  local terms, next = {}, at + 1
  for t = 1, tonumber(ARGV[at]) do
    local needles = {}
    local several = tonumber(ARGV[next])
    next = next + 1
    for n = 1, several do
      local needle = {whole = ARGV[next]}
      local seeds = tonumber(ARGV[next + 1])
      for s = 1, seeds do needle[s] = ARGV[next + 1 + s] end
      next = next + 2 + seeds
      needles[n] = needle
    end
    terms[t] = needles
  end
  return terms
end
local function hides(entry)
  local place = find(entry, '\\\\u00', 1, true)
  while place do
    local digit = byte(entry, place + 4)
    if digit and digit >= 48 and digit <= 55 then return true end
    place = find(entry, '\\\\u00', place + 4, true)
  end
  return find(entry, '\\\\u0130', 1, true) or find(entry, '\\\\u212', 1, true)
end
local function odd(entry)
  return find(entry, '\\226\\132\\170', 1, true) or find(entry, '\\196\\176', 1, true)
end
local function has(entry, needle)
  for s = 1, #needle do
    if find(entry, needle[s], 1, true) then
      return find(lower(entry), needle.whole, 1, true) or odd(entry)
    end
  end
  return false
end
local function may_match(entry, terms)
  for t = 1, #terms do
    local needles, found = terms[t], false
    for n = 1, #needles do
      if has(entry, needles[n]) then found = true break end
    end
    if not found then return find(entry, '\\\\u', 1, true) and hides(entry) end
  end
  return true
end
local function those_of(entries, from, terms, found)
  local seeds = {'\\\\u'}
  for n = 1, #terms[1] do
    for s = 1, #terms[1][n] do seeds[#seeds + 1] = terms[1][n][s] end
  end
  local function other(entry)
    for s = 6, #seeds do
      if find(entry, seeds[s], 1, true) then return true end
    end
    return false
  end
  local a, b, c, d, e, more = seeds[1], seeds[2], seeds[3], seeds[4], seeds[5], #seeds > 5
  local bytes = 0
  for i = from, #entries do
    local entry = entries[i]
    bytes = bytes + #entry
    if find(entry, a, 1, true) or find(entry, b, 1, true) or c and find(entry, c, 1, true)
      or d and find(entry, d, 1, true) or e and find(entry, e, 1, true) or more and other(entry) then
      if may_match(entry, terms) then found[#found + 1] = entry end
    end
  end
  return bytes
end
"""

# ARGV: 'down' or 'up'; where to begin: '' at the start, 'after' a score, 'at' an entry of a score; that score; that
# entry; most entries; most bytes; terms. Ranks hold within one call, so it reads by rank and goes on by score.
# Returns the size; how many were looked at; the last one's score ('' at the end); if the next has its score too, the
# last one itself and its place among those of its score; entries and their scores. Nothing where the entry to begin at
# is gone.
FIND_IN_SET: Final = (
    _MAY_MATCH
    + b"""
local key, down, from, score, entry = KEYS[1], ARGV[1] == 'down', ARGV[2], ARGV[3], ARGV[4]
local most, most_bytes, terms = tonumber(ARGV[5]), tonumber(ARGV[6]), terms_from(7)
local range, rank = down and 'ZREVRANGE' or 'ZRANGE', down and 'ZREVRANK' or 'ZRANK'
local at = 0
if from == 'after' then
  at = down and call('ZCOUNT', key, score, '+inf') or call('ZCOUNT', key, '-inf', score)
elseif from == 'at' then
  local now = call('ZSCORE', key, entry)
  if not now or tonumber(now) ~= tonumber(score) then return false end
  at = call(rank, key, entry) + 1
end
local size, found, read, bytes, last, many = call('ZCARD', key), {}, 0, 0, nil, 25
while read < most and bytes < most_bytes and at < size do
  local entries = call(range, key, at, at + math.min(many, most - read) - 1)
  local may = {}
  bytes = bytes + those_of(entries, 1, terms, may)
  if #may > 0 then
    local scores = call('ZMSCORE', key, unpack(may))
    for i = 1, #may do
      found[#found + 1] = may[i]
      found[#found + 1] = scores[i]
    end
  end
  last = entries[#entries]
  read, at = read + #entries, at + #entries
  many = math.max(1, math.min(250, math.floor((most_bytes - bytes) * read / math.max(bytes, 1))))
end
if at >= size then return {size, read, '', false, 0, found} end
local reached = call('ZSCORE', key, last)
if call('ZSCORE', key, call(range, key, at, at)[1]) ~= reached then return {size, read, reached, false, 0, found} end
local before = down and call('ZCOUNT', key, '(' .. reached, '+inf') or call('ZCOUNT', key, '-inf', '(' .. reached)
return {size, read, reached, last, at - 1 - before, found}
"""
)

# ARGV: first and last index, from the tail; most bytes; most bytes and entries of the overlap; how many entries were
# known, and these; terms. Returns the length; the index of the last entry looked at; the entries to know it by; and
# those found that come after the known; or nothing where these are no longer to be seen in a row.
FIND_IN_LIST: Final = (
    _MAY_MATCH
    + b"""
local key, first, last = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local most_bytes, overlap_bytes, overlap = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = tonumber(ARGV[6])
local terms = terms_from(7 + known)
local size = call('LLEN', key)
first = math.max(first, -size)
if first > last then return {size, last, {}, {}} end
local function read(from, to, entries, bytes)
  local part = call('LRANGE', key, from, to)
  for i = 1, #part do
    bytes = bytes + #part[i]
    entries[#entries + 1] = part[i]
  end
  return bytes
end
local entries = {}
local probe = math.min(first + known + 15, last)
local bytes = read(first, probe, entries, 0)
local more = math.min(last - probe, math.floor((most_bytes - bytes) * #entries / math.max(bytes, 1)))
if more > 0 then
  read(probe + 1, probe + more, entries, 0)
  last = probe + more
else
  last = probe
end
local start = 1
if known > 0 then
  local function run(place)
    local length = 0
    while length < known and length < place and entries[place - length] == ARGV[6 + known - length] do
      length = length + 1
    end
    return length
  end
  local best = 0
  for place = 1, #entries do
    if entries[place] == ARGV[6 + known] then
      local length = run(place)
      if length > best then best, start = length, place + 1 end
    end
    if best == known then break end
  end
  if best < math.min(2, known) then return false end
end
local found, tail, tail_bytes = {}, {}, 0
those_of(entries, start, terms, found)
for i = #entries, math.max(1, #entries - overlap + 1), -1 do
  tail_bytes = tail_bytes + #entries[i]
  if #tail >= 2 and tail_bytes > overlap_bytes then break end
  table.insert(tail, 1, entries[i])
end
return {size, last, tail, found}
"""
)

SCRIPTS: Final = frozenset((FIND_IN_SET, FIND_IN_LIST))
"""All there are: reading connections let no other text through."""

# Pairs of letters in the names of the fields are in every payload: no good as seeds.
_EVERYWHERE: Final = (
    b"retry queue class args jid created_at enqueued_at failed_at retried_at error_class error_message error_backtrace "
    b"retry_count wrapped job_class arguments executions locale timezone default"
)
_RAREST_FIRST: Final = b"zxqjkvwybfghmpuldcsnotraie"
_NO_LETTER: Final = 20
"""Where digits and signs stand in that order."""
_ODD: Final = {b"k": b"\xe2\x84\xaa", b"i": b"\xc4\xb0"}
"""Capitals outside ASCII, by the lower-case letter they have (Kelvin's K, I with a dot)."""
_PLAIN_RUN: Final = 4


def find_arguments(needles: Needles) -> list[bytes | int]:
    """The scripts' arguments for what to look for; the terms that are likely to tell most come first."""
    terms = [[(needle, _seeds(needle)) for needle in term] for term in needles]
    arguments: list[bytes | int] = [len(terms)]
    for term in sorted(terms, key=lambda term: sum(_price(seeds) for _, seeds in term)):
        arguments.append(len(term))
        for needle, seeds in term:
            arguments += [needle, len(seeds), *seeds]
    return arguments


def _price(seeds: Sequence[bytes]) -> int:
    """How much time it takes to look for a needle, beside others: few seeds are soon looked for, rare ones end it."""
    return len(seeds) * (10 if seeds[0] in _EVERYWHERE else 1)


def _seeds(needle: bytes) -> Sequence[bytes]:
    """Texts of which one is in every payload that has the needle, in any case."""
    plain = max(_plain_runs(needle), key=len, default=b"")
    if len(plain) >= _PLAIN_RUN:
        # What begins like `0000` is begun to be found at every zero.
        rest = plain.lstrip(plain[:1])
        return [rest if len(rest) >= _PLAIN_RUN else plain]
    pairs = [needle[at : at + 2] for at in range(len(needle) - 1)] or [needle]
    return _spellings(min(pairs, key=_commonness))


def _plain_runs(needle: bytes) -> list[bytes]:
    """The parts that have no letters."""
    return bytes(byte if not _is_letter(byte) else 0x20 for byte in needle).split()


def _commonness(pair: bytes) -> tuple[bool, int]:
    return pair in _EVERYWHERE, sum(_RAREST_FIRST.find(byte) if _is_letter(byte) else _NO_LETTER for byte in pair)


def _spellings(seed: bytes) -> list[bytes]:
    """The seed in each case, and the odd capitals that are among its letters."""
    each = [(bytes([byte]), bytes([byte]).upper()) if _is_letter(byte) else (bytes([byte]),) for byte in seed]
    odd = [capital for letter, capital in _ODD.items() if letter in seed]
    return [*map(b"".join, product(*each)), *odd]


def _is_letter(byte: int) -> bool:
    return 0x61 <= byte <= 0x7A
