-- One batch: the record first, then each entry by itself: checked, added, removed, answered for (operations-safety 5, 6).
-- KEYS: all that is touched. ARGV: number, random id, now, a letter a key for its type, how many pairs of rights,
-- those pairs (command, index of the key), then the items: a letter each, and what `items` below says.
-- Returns {status, results, text}.
local pcall = redis.pcall
local seq, bid, now, kinds = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local LATE, TRASH_KEPT, TRASH_EXPIRES = 8, 604800, 777600
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
local at = 6 + 2 * tonumber(ARGV[5])
if redis.acl_check_cmd then
  for i = 6, at - 1, 2 do
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

local function place(list, entry, tail)
  if tail then return pcall('LPOS', list, entry, 'RANK', -1) end
  return pcall('LPOS', list, entry)
end

-- From a list to the head or tail of a list.
local function list_to_list(source, old, target, new, front, tail, queues, name)
  local found = place(source, old, tail)
  if not well(found) then return '-' end
  if not found then return '0' end
  if not register(queues, name) then return '-' end
  if not well(pcall(front and 'RPUSH' or 'LPUSH', target, new)) then return '-' end
  -- In the same list: from the other end, so as not to meet what was just added.
  local count = tail and -1 or 1
  if source == target then count = front and 1 or -1 end
  local removed = pcall('LREM', source, count, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(new, front and 'RPOP' or 'LPOP', target)
end

-- From a list to a sorted set.
local function list_to_set(source, old, target, new, score, tail)
  local found = place(source, old, tail)
  if not well(found) then return '-' end
  if not found then return '0' end
  local there = pcall('ZSCORE', target, new)
  if not well(there) then return '-' end
  if there then return 'x' end
  if not well(pcall('ZADD', target, score, new)) then return '-' end
  local removed = pcall('LREM', source, tail and -1 or 1, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, new)
end

-- ---- The items: of how many arguments each is, and what it does with them. `k` reads a key, `v` a value, by position.
local function k(n) return KEYS[tonumber(ARGV[at + n])] end
local function v(n) return ARGV[at + n] end
local items = {}

-- Move: set, queue, queues, name, old, new
items.M = {6, function()
  local source, queue, old, new = k(1), k(2), v(5), v(6)
  local score = pcall('ZSCORE', source, old)
  if not well(score) then return '-' end
  if not score then return '0' end
  if not register(k(3), v(4)) then return '-' end
  if not well(pcall('LPUSH', queue, new)) then return '-' end
  local removed = pcall('ZREM', source, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(new, 'LPOP', queue)
end}

-- MoveInSets: source, target, old, new, score
items.Z = {5, function()
  local source, target, old, new, score = k(1), k(2), v(3), v(4), v(5)
  local same = source == target and old == new
  local there = pcall('ZSCORE', source, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  if not same then
    local other = pcall('ZSCORE', target, new)
    if not well(other) then return '-' end
    if other then return 'x' end
  end
  if not well(pcall('ZADD', target, score, new)) then return '-' end
  if same then return '1' end
  local removed = pcall('ZREM', source, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, new)
end}

-- Reschedule: set, old, known, score
items.R = {4, function()
  local score = pcall('ZSCORE', k(1), v(2))
  if not well(score) then return '-' end
  if not score or tonumber(score) ~= tonumber(v(3)) then return '0' end
  return well(pcall('ZADD', k(1), 'XX', v(4), v(2))) and '1' or '-'
end}

-- DeleteFromSet for good: set, old
items.d = {2, function()
  local removed = pcall('ZREM', k(1), v(2))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- DeleteFromSet: set, old, trash
items.D = {3, function()
  local source, old, bin = k(1), v(2), k(3)
  local score = pcall('ZSCORE', source, old)
  if not well(score) then return '-' end
  if not score then return '0' end
  if not keep(bin) or not well(pcall('ZADD', bin, score, old)) then return '-' end
  local removed = pcall('ZREM', source, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', bin, old)
end}

-- DeleteFromQueue for good: queue, old, tail
items.q = {3, function()
  local removed = pcall('LREM', k(1), v(3) == '1' and -1 or 1, v(2))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- DeleteFromQueue: queue, old, tail, trash. The trash takes it before it is known to be there: to look would cost as
-- much as to remove, and nobody sees the copy before the script ends.
items.Q = {4, function()
  local old, bin = v(2), k(4)
  if not keep(bin) or not well(pcall('RPUSH', bin, old)) then return '-' end
  local removed = pcall('LREM', k(1), v(3) == '1' and -1 or 1, old)
  if removed == 1 then return '1' end
  well(removed)
  local back = undone(old, 'RPOP', bin)
  return back == 'D' and 'D' or (removed == 0 and '0' or '-')
end}

-- MoveFromQueue to a queue: queue, old, new, tail, target, queues, name, front
items.L = {8, function()
  return list_to_list(k(1), v(2), k(5), v(3), v(8) == '1', v(4) == '1', k(6), v(7))
end}

-- MoveFromQueue to a set: queue, old, new, tail, target, score
items.S = {6, function()
  return list_to_set(k(1), v(2), k(5), v(3), v(6), v(4) == '1')
end}

-- EditInQueue: queue, old, new, tail
items.E = {4, function()
  local found = place(k(1), v(2), v(4) == '1')
  if not well(found) then return '-' end
  if not found then return '0' end
  return well(pcall('LSET', k(1), found, v(3))) and '1' or '-'
end}

-- MoveToFront: queue, old
items.F = {2, function()
  local queue, old = k(1), v(2)
  local first = pcall('LINDEX', queue, -1)
  if not well(first) then return '-' end
  if not first or first == old then return '0' end
  local found = place(queue, old, true)
  if not well(found) then return '-' end
  if not found then return '0' end
  if not well(pcall('RPUSH', queue, old)) then return '-' end
  local removed = pcall('LREM', queue, 1, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(old, 'RPOP', queue)
end}

-- Push to a queue: queue, queues, name, new
items.P = {4, function()
  if not register(k(2), v(3)) then return '-' end
  return well(pcall('LPUSH', k(1), v(4))) and '1' or '-'
end}

-- Push into a set: set, new, score
items.p = {3, function()
  local added = pcall('ZADD', k(1), 'NX', v(3), v(2))
  if not well(added) then return '-' end
  return added == 1 and '1' or 'x'
end}

-- TakeBack for good: queue, new
items.t = {2, function()
  local removed = pcall('LREM', k(1), 1, v(2))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- TakeBack: queue, new, old, target, score
items.T = {5, function()
  return list_to_set(k(1), v(2), k(4), v(3), v(5), false)
end}

-- RestoreToSet: trash, old, target, score
items.U = {4, function()
  local bin, old, target = k(1), v(2), k(3)
  local there = pcall('ZSCORE', bin, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  local added = pcall('ZADD', target, 'NX', v(4), old)
  if not well(added) then return '-' end
  if added == 0 then return 'x' end
  local removed = pcall('ZREM', bin, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, old)
end}

-- RestoreToQueue: trash, old, queue, queues, name
items.V = {5, function()
  return list_to_list(k(1), v(2), k(3), v(2), true, false, k(4), v(5))
end}

-- SendSignal: processes, identity, process, signals, signal
items.G = {5, function()
  local known = pcall('SISMEMBER', k(1), v(2))
  if not well(known) then return '-' end
  local info = known == 1 and pcall('HGET', k(3), 'info')
  if not well(info) then return '-' end
  if not info then return '0' end
  -- Inside a text of JSON the quotes would be escaped.
  if string.find(info, '"embedded"%s*:%s*true') then return '0' end
  local waiting = pcall('LRANGE', k(4), 0, -1)
  if not well(waiting) then return '-' end
  for i = 1, #waiting do
    if waiting[i] == v(5) then return 'x' end
  end
  if not well(pcall('LPUSH', k(4), v(5))) then return '-' end
  if not well(pcall('EXPIRE', k(4), 60)) then return undone(v(5), 'LPOP', k(4)) end
  return '1'
end}

-- Prune: processes, identity, process
items.N = {3, function()
  local alive = pcall('HEXISTS', k(3), 'info')
  if not well(alive) then return '-' end
  if alive == 1 then return '0' end
  local removed = pcall('SREM', k(1), v(2))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- CancelIteration: state, now. A job that never ran has no cursor: Ruby would fail on a state without one.
items.C = {2, function()
  local state = k(1)
  local set = pcall('HSETNX', state, 'cancelled', v(2))
  if not well(set) then return '-' end
  if set == 0 then return 'x' end
  local lives = pcall('TTL', state)
  if well(lives) and well(pcall('HSETNX', state, 'c', 'null')) and well(pcall('HSETNX', state, 'ex', 0))
    and well(pcall('HSETNX', state, 'rt', 0)) and (lives >= 0 or well(pcall('EXPIRE', state, 2592000))) then
    return '1'
  end
  return undone(1, 'HDEL', state, 'cancelled')
end}

-- SetPaused: paused, name, whether
items.H = {3, function()
  local changed = pcall(v(3) == '1' and 'SADD' or 'SREM', k(1), v(2))
  if not well(changed) then return '-' end
  if changed == 1 then return '1' end
  return v(3) == '1' and 'x' or '0'
end}

-- ResetCounter to 0: counter, known
items.c = {2, function()
  local count = pcall('GET', k(1))
  if not well(count) then return '-' end
  if (count or '0') ~= v(2) then return '0' end
  return well(pcall('SET', k(1), 0)) and '1' or '-'
end}

-- ResetCounter, given back: counter, add
items.a = {2, function()
  return well(pcall('INCRBY', k(1), v(2))) and '1' or '-'
end}

-- DeleteProfile: profiles, member, profile. Only what is a profile: the member could name any key.
items.X = {3, function()
  local listed = pcall('ZSCORE', k(1), v(2))
  if not well(listed) then return '-' end
  if not listed then return '0' end
  local there = pcall('EXISTS', k(3))
  local profile = pcall('HEXISTS', k(3), 'data')
  if not well(there) or not well(profile) then return '-' end
  if there == 1 and profile == 0 then return '0' end
  if not well(pcall('UNLINK', k(3))) or not well(pcall('ZREM', k(1), v(2))) then return '-' end
  return '1'
end}

-- ---- The entries, until the first that stops it
local results, stopped = {}, false
while at <= #ARGV do
  local item = items[ARGV[at]]
  local result = stopped and '-' or item[2]()
  results[#results + 1] = result
  stopped = stopped or result == '-' or result == 'D'
  at = at + item[1] + 1
end
for i = 1, #trash do
  -- A trash that has nothing left, or that nothing went into, is gone by itself.
  if index and pcall('EXISTS', trash[i]) == 0 then
    pcall('ZREM', index, trash[i])
  elseif kept[trash[i]] then
    pcall('EXPIRE', trash[i], TRASH_EXPIRES)
  end
end
results = table.concat(results)
if record then
  local noted = pcall('HSET', record, 'r' .. seq, bid .. ':' .. results)
  if failure(noted) then text = noted.err end
end
return {'ok', results, text}
