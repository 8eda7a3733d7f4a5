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

-- ---- The items: how many values they have in common, how many each has, and what is done: to `one`, or to a `run` of
-- them by commands for many, which is all that makes a bulk fast. `k` reads a key and `h` another value of those in
-- common, `v` one of the item's own.
local base, at = 0, 0
local function k(n) return KEYS[tonumber(ARGV[base + n])] end
local function h(n) return ARGV[base + n] end
local function v(n) return ARGV[at + n] end
local items, results = {}, {}

-- A run's entries that are there: their bytes, scores and places in `results`; each of the others gets its 0. `size`:
-- values of an item, of which the first is what is looked for. Nil when that went wrong.
local function those_there(source, first, count, size)
  local olds, met = {}, {}
  for i = 1, count do olds[i] = ARGV[at + (i - 1) * size + 1] end
  local scores = pcall('ZMSCORE', source, unpack(olds))
  if not well(scores) then return nil end
  local there = {}
  for i = 1, count do
    if scores[i] and not met[olds[i]] then
      met[olds[i]] = true
      there[#there + 1] = {old = olds[i], score = scores[i], values = at + (i - 1) * size, place = first + i - 1}
    else
      results[first + i - 1] = '0'
    end
  end
  return there
end

local function all(there, name)
  local values = {}
  for i = 1, #there do values[i] = there[i][name] end
  return unpack(values)
end

-- Removes what was added elsewhere; where that fails `back` takes the additions back, one by one, the last first.
local function remove(source, there, back)
  local removed = pcall('ZREM', source, all(there, 'old'))
  if removed == #there then
    for i = 1, #there do results[there[i].place] = '1' end
    return
  end
  well(removed)
  local result = '-'
  for i = #there, 1, -1 do
    if result == '-' then result = back(there[i]) end
    results[there[i].place] = result
  end
end

-- Move: set, queue, queues, name; old, new
items.M = {4, 2, run = function(first, count)
  local source, queue = k(1), k(2)
  local there = those_there(source, first, count, 2)
  if not there or #there == 0 then return end
  for i = 1, #there do there[i].new = ARGV[there[i].values + 2] end
  if not register(k(3), h(4)) or not well(pcall('LPUSH', queue, all(there, 'new'))) then return end
  remove(source, there, function(one) return undone(one.new, 'LPOP', queue) end)
end}

-- MoveInSets from one to another: source, target; old, new (empty when it is the same), score
items.K = {2, 3, run = function(first, count)
  local source, target = k(1), k(2)
  local there = those_there(source, first, count, 3)
  if not there or #there == 0 then return end
  for i = 1, #there do
    local new = ARGV[there[i].values + 2]
    there[i].new = new == '' and there[i].old or new
  end
  local others = pcall('ZMSCORE', target, all(there, 'new'))
  if not well(others) then return end
  local added, scored, met = {}, {}, {}
  for i = 1, #there do
    local one = there[i]
    if others[i] or met[one.new] then
      results[one.place] = 'x'
    else
      met[one.new] = true
      added[#added + 1] = one
      scored[#scored + 1] = ARGV[one.values + 3]
      scored[#scored + 1] = one.new
    end
  end
  if #added == 0 or not well(pcall('ZADD', target, unpack(scored))) then return end
  remove(source, added, function(one) return undone(1, 'ZREM', target, one.new) end)
end}

-- MoveInSets in the same one: set; old, new, score
items.Z = {1, 3, one = function()
  local set, old, new, score = k(1), v(1), v(2), v(3)
  local there = pcall('ZSCORE', set, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  if old == new then return well(pcall('ZADD', set, score, new)) and '1' or '-' end
  local other = pcall('ZSCORE', set, new)
  if not well(other) then return '-' end
  if other then return 'x' end
  if not well(pcall('ZADD', set, score, new)) then return '-' end
  local removed = pcall('ZREM', set, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', set, new)
end}

-- Reschedule: set; old, known, score
items.R = {1, 3, run = function(first, count)
  local there = those_there(k(1), first, count, 3)
  if not there then return end
  local changed, scored = {}, {}
  for i = 1, #there do
    local one = there[i]
    if tonumber(one.score) == tonumber(ARGV[one.values + 2]) then
      changed[#changed + 1] = one
      scored[#scored + 1] = ARGV[one.values + 3]
      scored[#scored + 1] = one.old
    else
      results[one.place] = '0'
    end
  end
  if #changed == 0 or not well(pcall('ZADD', k(1), 'XX', unpack(scored))) then return end
  for i = 1, #changed do results[changed[i].place] = '1' end
end}

-- DeleteFromSet for good: set; old
items.d = {1, 1, run = function(first, count)
  local there = those_there(k(1), first, count, 1)
  if not there or #there == 0 or not well(pcall('ZREM', k(1), all(there, 'old'))) then return end
  for i = 1, #there do results[there[i].place] = '1' end
end}

-- DeleteFromSet: set, trash; old
items.D = {2, 1, run = function(first, count)
  local source, bin = k(1), k(2)
  local there = those_there(source, first, count, 1)
  if not there or #there == 0 then return end
  local scored = {}
  for i = 1, #there do
    scored[#scored + 1] = there[i].score
    scored[#scored + 1] = there[i].old
  end
  if not keep(bin) or not well(pcall('ZADD', bin, unpack(scored))) then return end
  remove(source, there, function(one) return undone(1, 'ZREM', bin, one.old) end)
end}

-- DeleteFromQueue for good: queue, tail; old
items.q = {2, 1, one = function()
  local removed = pcall('LREM', k(1), h(2) == '1' and -1 or 1, v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- DeleteFromQueue: queue, tail, trash; old. The trash takes it before it is known to be there: to look would cost as
-- much as to remove, and nobody sees the copy before the script ends.
items.Q = {3, 1, one = function()
  local old, bin = v(1), k(3)
  if not keep(bin) or not well(pcall('RPUSH', bin, old)) then return '-' end
  local removed = pcall('LREM', k(1), h(2) == '1' and -1 or 1, old)
  if removed == 1 then return '1' end
  well(removed)
  local back = undone(old, 'RPOP', bin)
  return back == 'D' and 'D' or (removed == 0 and '0' or '-')
end}

-- MoveFromQueue to a queue: queue, tail, target, queues, name, front; old, new
items.L = {6, 2, one = function()
  return list_to_list(k(1), v(1), k(3), v(2), h(6) == '1', h(2) == '1', k(4), h(5))
end}

-- MoveFromQueue to a set: queue, tail, target; old, new (empty when it is the same), score
items.S = {3, 3, one = function()
  return list_to_set(k(1), v(1), k(3), v(2) == '' and v(1) or v(2), v(3), h(2) == '1')
end}

-- EditInQueue: queue, tail; old, new
items.E = {2, 2, one = function()
  local found = place(k(1), v(1), h(2) == '1')
  if not well(found) then return '-' end
  if not found then return '0' end
  return well(pcall('LSET', k(1), found, v(2))) and '1' or '-'
end}

-- MoveToFront: queue; old
items.F = {1, 1, one = function()
  local queue, old = k(1), v(1)
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

-- Push to a queue: queue, queues, name; new
items.P = {3, 1, run = function(first, count)
  if not register(k(2), h(3)) or not well(pcall('LPUSH', k(1), unpack(ARGV, at + 1, at + count))) then return end
  settle(results, first, count, '1')
end}

-- Push into a set: set; new, score
items.p = {1, 2, one = function()
  local added = pcall('ZADD', k(1), 'NX', v(2), v(1))
  if not well(added) then return '-' end
  return added == 1 and '1' or 'x'
end}

-- TakeBack for good: queue; new
items.t = {1, 1, one = function()
  local removed = pcall('LREM', k(1), 1, v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- TakeBack: queue, target; new, old, score
items.T = {2, 3, one = function()
  return list_to_set(k(1), v(1), k(2), v(2), v(3), false)
end}

-- RestoreToSet: trash, target; old, score
items.U = {2, 2, one = function()
  local bin, old, target = k(1), v(1), k(2)
  local there = pcall('ZSCORE', bin, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  local added = pcall('ZADD', target, 'NX', v(2), old)
  if not well(added) then return '-' end
  if added == 0 then return 'x' end
  local removed = pcall('ZREM', bin, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, old)
end}

-- RestoreToQueue: trash, queue, queues, name; old
items.V = {4, 1, one = function()
  return list_to_list(k(1), v(1), k(2), v(1), true, false, k(3), h(4))
end}

-- SendSignal: processes, process, signals; identity, signal
items.G = {3, 2, one = function()
  local known = pcall('SISMEMBER', k(1), v(1))
  if not well(known) then return '-' end
  local info = known == 1 and pcall('HGET', k(2), 'info')
  if not well(info) then return '-' end
  if not info then return '0' end
  -- Inside a text of JSON the quotes would be escaped.
  if string.find(info, '"embedded"%s*:%s*true') then return '0' end
  local waiting = pcall('LRANGE', k(3), 0, -1)
  if not well(waiting) then return '-' end
  for i = 1, #waiting do
    if waiting[i] == v(2) then return 'x' end
  end
  if not well(pcall('LPUSH', k(3), v(2))) then return '-' end
  if not well(pcall('EXPIRE', k(3), 60)) then return undone(v(2), 'LPOP', k(3)) end
  return '1'
end}

-- Prune: processes, process; identity
items.N = {2, 1, one = function()
  local alive = pcall('HEXISTS', k(2), 'info')
  if not well(alive) then return '-' end
  if alive == 1 then return '0' end
  local removed = pcall('SREM', k(1), v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- CancelIteration: state; now. A job that never ran has no cursor: Ruby would fail on a state without one.
items.C = {1, 1, one = function()
  local state = k(1)
  local set = pcall('HSETNX', state, 'cancelled', v(1))
  if not well(set) then return '-' end
  if set == 0 then return 'x' end
  local lives = pcall('TTL', state)
  if well(lives) and well(pcall('HSETNX', state, 'c', 'null')) and well(pcall('HSETNX', state, 'ex', 0))
    and well(pcall('HSETNX', state, 'rt', 0)) and (lives >= 0 or well(pcall('EXPIRE', state, 2592000))) then
    return '1'
  end
  return undone(1, 'HDEL', state, 'cancelled')
end}

-- SetPaused: paused, whether; name
items.H = {2, 1, one = function()
  local changed = pcall(h(2) == '1' and 'SADD' or 'SREM', k(1), v(1))
  if not well(changed) then return '-' end
  if changed == 1 then return '1' end
  return h(2) == '1' and 'x' or '0'
end}

-- ResetCounter to 0: counter; known
items.c = {1, 1, one = function()
  local count = pcall('GET', k(1))
  if not well(count) then return '-' end
  if (count or '0') ~= v(1) then return '0' end
  return well(pcall('SET', k(1), 0)) and '1' or '-'
end}

-- ResetCounter, given back: counter; add
items.a = {1, 1, one = function()
  return well(pcall('INCRBY', k(1), v(1))) and '1' or '-'
end}

-- DeleteProfile: profiles, profile; member. Only what is a profile: the member could name any key.
items.X = {2, 1, one = function()
  local listed = pcall('ZSCORE', k(1), v(1))
  if not well(listed) then return '-' end
  if not listed then return '0' end
  local there = pcall('EXISTS', k(2))
  local profile = pcall('HEXISTS', k(2), 'data')
  if not well(there) or not well(profile) then return '-' end
  if there == 1 and profile == 0 then return '0' end
  if not well(pcall('UNLINK', k(2))) or not well(pcall('ZREM', k(1), v(1))) then return '-' end
  return '1'
end}

-- ---- The entries, until the first that stops it
local run, stopped = start, false
while run <= #ARGV do
  local item, count, first = items[ARGV[run]], tonumber(ARGV[run + 1]), #results + 1
  base, at = run + 1, run + 1 + item[1]
  run = at + count * item[2] + 1
  if item.run and not stopped then
    item.run(first, count)
  elseif not stopped then
    for i = first, first + count - 1 do
      results[i] = item.one()
      at = at + item[2]
      if results[i] == '-' or results[i] == 'D' then break end
    end
  end
  settle(results, first, count, '-')
  for i = first, first + count - 1 do
    stopped = stopped or results[i] == '-' or results[i] == 'D'
  end
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
