-- One batch: the record first, then each entry by itself: checked, added, removed, answered for (operations-safety 5, 6).
-- KEYS: all that is touched. ARGV: number, random id, now, a letter a key for its type, how many pairs of rights,
-- those pairs (command, index of the key), then the items in runs of the same kind with the same keys: a letter, how
-- many, what they have in common, and each one's own values (`items` below).
-- Returns {status, results, text}.
local pcall = redis.pcall
local seq, bid, now, kinds = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local LATE, TRASH_KEPT, TRASH_EXPIRES = 24, 604800, 777600
local text = ''

-- What an error reply says; nil for another reply.
local function failure(reply)
  return type(reply) == 'table' and reply.err or nil
end

-- ---- The record
local record
if string.sub(kinds, 1, 1) == 'r' then
  record = KEYS[1]
  local facts = pcall('HMGET', record, 'next', 'state', 'who', 'r' .. seq)
  if failure(facts) then return {'refused', '', facts.err} end
  local next = tonumber(facts[1])
  if not next then return {'closed', '', ''} end
  if seq < next then
    local answer = facts[4]
    if answer and string.sub(answer, 1, #bid + 1) == bid .. ':' then
      return {'done', string.sub(answer, #bid + 2), ''}
    end
    return {'taken', '', facts[3] or ''}
  end
  if facts[2] ~= 'open' then return {'closed', '', ''} end
  if seq > next then return {'gap', '', facts[1]} end
end

-- ---- What could go wrong, before anything is written
local TYPES = {l = 'list', z = 'zset', s = 'set', h = 'hash', c = 'string', r = 'hash', t = 'list', T = 'zset', i = 'zset'}
local index, trash, lock = nil, {}, {}
for k = 1, #KEYS do
  local kind = string.sub(kinds, k, k)
  if kind == 'k' then
    local holder = pcall('EXISTS', KEYS[k])
    if holder ~= 0 then return {'refused', '', failure(holder) or ('LOCKED ' .. KEYS[k])} end
  else
    local found = pcall('TYPE', KEYS[k])
    if failure(found) then return {'refused', '', found.err} end
    if found.ok ~= 'none' and found.ok ~= TYPES[kind] then return {'type', '', KEYS[k]} end
    if kind == 'i' then index = KEYS[k] end
    if kind == 't' or kind == 'T' then trash[#trash + 1] = KEYS[k] end
  end
end
local start = 6 + 2 * tonumber(ARGV[5])
if redis.acl_check_cmd then
  for i = 6, start - 1, 2 do
    local key = KEYS[tonumber(ARGV[i + 1])]
    if not redis.acl_check_cmd(ARGV[i], key) then
      return {'refused', '', 'NOPERM ' .. ARGV[i] .. ' ' .. key}
    end
  end
end

-- ---- All or nothing: a full, read-only or otherwise unwilling server refuses this, and nothing has happened
if record then
  local begun = pcall('HSET', record, 'next', seq + 1, 'r' .. seq, bid .. ':')
  if failure(begun) then return {'refused', '', begun.err} end
  pcall('HDEL', record, 'r' .. (seq - LATE))
end

-- ---- Parts of items. Each says whether it went well; `text` has the error when not.
local function well(reply)
  local err = failure(reply)
  if err then text = err return false end
  return true
end

-- Runs a command that takes back what was just added; `expected` is its answer when it did.
local function undone(expected, ...)
  return pcall(...) == expected and '-' or 'D'
end

-- Gives all that are still without a result this one.
local function settle(results, first, count, result)
  for i = first, first + count - 1 do results[i] = results[i] or result end
end

local registered = {}
local function register(queues, name)
  if not registered[name] then
    if not well(pcall('SADD', queues, name)) then return false end
    registered[name] = true
  end
  return true
end

local kept = {}
local function keep(key)
  if not kept[key] then
    if not well(pcall('ZADD', index, 'NX', now + TRASH_KEPT, key)) then return false end
    kept[key] = true
  end
  return true
end

-- ---- The items: how many values they have in common, how many each has, and what is done: to `one`, to a `run` of them
-- or a `row` in it by commands for many, which is all that makes a bulk fast. `k` reads a key and `h` another value of
-- those in common, `v` one of the item's own.
local base, at = 0, 0
local function k(n) return KEYS[tonumber(ARGV[base + n])] end
local function h(n) return ARGV[base + n] end
local function v(n) return ARGV[at + n] end
local items, results = {}, {}
