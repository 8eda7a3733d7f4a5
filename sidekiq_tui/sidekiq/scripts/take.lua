-- Parks jobs for another server: out of their queue or set, into a stage that the record names (operations-safety 11).
-- KEYS: record, queue or set, stage. ARGV: number, random id, number that should come next, name of the place, its type,
-- how (`end`: from where jobs run next; `these`: by their bytes), how many, most bytes, then: for `end` how
-- many of a set to step over, for `these` pairs of a letter (t: nearer to the tail) and bytes.
-- Returns {status, a result for each, next number, error, what is parked (of a set with scores)}.
local pcall = redis.pcall
local record, source, stage = KEYS[1], KEYS[2], KEYS[3]
local seq, bid, expected, list = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[5] == 'list'
local function failure(reply) return type(reply) == 'table' and reply.err or nil end

local facts = pcall('HMGET', record, 'next', 'state', 'id:' .. seq)
if failure(facts) then return {'refused', '', 0, facts.err} end
local next = tonumber(facts[1])
if not next then return {'closed', '', 0, ''} end
if facts[3] == bid then return {'done', '', next, ''} end
if facts[2] ~= 'open' then return {'closed', '', next, ''} end
if next ~= expected or seq < next then return {'moved', '', next, ''} end
local open = 0
for _, name in ipairs(redis.call('HKEYS', record)) do
  if string.sub(name, 1, 3) == 'id:' then open = open + 1 end
end
if open >= 4 then return {'full', '', next, ''} end

for key, wanted in pairs({[source] = ARGV[5], [stage] = 'none'}) do
  local found = pcall('TYPE', key)
  if failure(found) then return {'refused', '', next, found.err} end
  if found.ok ~= 'none' and found.ok ~= wanted then return {'type', '', next, key} end
end
if redis.acl_check_cmd then
  local rights = list and {{'LPUSH', stage}, {'LREM', source}, {'LMOVE', source, stage}, {'UNLINK', stage}}
    or {{'ZADD', stage}, {'ZREM', source}, {'UNLINK', stage}}
  for _, right in ipairs(rights) do
    local allowed
    if right[1] == 'LMOVE' then
      allowed = redis.acl_check_cmd('LMOVE', right[2], right[3], 'RIGHT', 'LEFT')
    elseif right[1] == 'UNLINK' then
      allowed = redis.acl_check_cmd('UNLINK', right[2])
    elseif right[1] == 'LREM' or right[1] == 'ZADD' then
      allowed = redis.acl_check_cmd(right[1], right[2], '1', 'x')
    else
      allowed = redis.acl_check_cmd(right[1], right[2], 'x')
    end
    if not allowed then return {'refused', '', next, 'NOPERM ' .. right[1] .. ' ' .. right[2]} end
  end
end
if pcall('EXISTS', source) == 0 then return {'empty', '', next, ''} end

local begun = pcall('HSET', record, 'next', seq + 1, 'id:' .. seq, bid, 'of:' .. seq, ARGV[4])
if failure(begun) then return {'refused', '', next, begun.err} end

local results, trouble, taken, bytes = {}, '', 0, 0
local count, most = tonumber(ARGV[7]), tonumber(ARGV[8])
local function bad(reply)
  if failure(reply) then trouble = reply.err return true end
  return false
end

-- One entry of a set to the stage. True when it is there.
local function from_set(entry, score)
  local added = pcall('ZADD', stage, score, entry)
  if bad(added) then return false end
  local removed = pcall('ZREM', source, entry)
  if removed == 1 then return true end
  bad(removed)
  pcall('ZREM', stage, entry)
  return false
end

-- One entry of a queue, from anywhere in it.
local function from_list(entry, tail)
  local added = pcall('LPUSH', stage, entry)
  if bad(added) then return false end
  local removed = pcall('LREM', source, tail and -1 or 1, entry)
  if removed == 1 then return true end
  bad(removed)
  pcall('LPOP', stage)
  return false
end

local function place(entry, tail)
  if not list then return pcall('ZSCORE', source, entry) end
  if tail then return pcall('LPOS', source, entry, 'RANK', -1) end
  return pcall('LPOS', source, entry)
end

local at = 10
while trouble == '' and #results < count and bytes < most do
  local result = '-'
  if ARGV[6] == 'these' then
    local tail, entry = ARGV[at - 1] == 't', ARGV[at]
    at = at + 2
    local found = place(entry, tail)
    if not bad(found) then
      if not found then
        result = '0'
      elseif list and from_list(entry, tail) or not list and from_set(entry, found) then
        result = '1'
      end
      bytes = bytes + #entry
    end
  elseif list then
    local entry = pcall('LMOVE', source, stage, 'RIGHT', 'LEFT')
    if not entry then break end
    if not bad(entry) then result, bytes = '1', bytes + #entry end
  else
    local rank = ARGV[9]
    local found = pcall('ZRANGE', source, rank, rank, 'WITHSCORES')
    if not bad(found) then
      if not found[1] then break end
      if from_set(found[1], found[2]) then result = '1' end
      bytes = bytes + #found[1]
    end
  end
  if result == '1' then taken = taken + 1 end
  results[#results + 1] = result
end
if taken == 0 then redis.call('HDEL', record, 'id:' .. seq, 'of:' .. seq) end
local staged = {}
if taken > 0 then
  if list then staged = redis.call('LRANGE', stage, 0, -1) else staged = redis.call('ZRANGE', stage, 0, -1, 'WITHSCORES') end
end
return {'ok', table.concat(results), seq + 1, trouble, staged}
