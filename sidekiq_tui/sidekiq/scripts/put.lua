-- Puts jobs from another server's stage where they shall go, once for their number and random id (operations-safety 11).
-- KEYS: record, queue or set, `queues`, then a state of an iterable job each. ARGV: number, random id, number that should
-- come next at least, type of the place, name of the queue, how many, then their bytes (in a set each after its score,
-- the oldest first), then for each state: milliseconds to live, how many values, field, value, ...
-- Returns {status, a result for each, next number, error}.
local pcall = redis.pcall
local record, target, list = KEYS[1], KEYS[2], ARGV[4] == 'list'
local seq, bid, expected, count = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[6])
local function failure(reply) return type(reply) == 'table' and reply.err or nil end

local facts = pcall('HMGET', record, 'next', 'state', 'id:' .. seq, 'r' .. seq, 'put')
if failure(facts) then return {'refused', '', 0, facts.err} end
local next = tonumber(facts[1])
if not next then return {'closed', '', 0, ''} end
if facts[3] == bid then return {'done', facts[4] or string.rep('1', count), next, ''} end
if facts[3] then return {'old', '', next, ''} end
if facts[2] ~= 'open' then return {'closed', '', next, ''} end
if next < expected then return {'back', '', next, ''} end

local found = pcall('TYPE', target)
if failure(found) then return {'refused', '', next, found.err} end
if found.ok ~= 'none' and found.ok ~= ARGV[4] then return {'type', '', next, target} end
if redis.acl_check_cmd then
  local add = list and redis.acl_check_cmd('LPUSH', target, 'x') or not list and redis.acl_check_cmd('ZADD', target, '1', 'x')
  if not add then return {'refused', '', next, 'NOPERM ' .. (list and 'LPUSH ' or 'ZADD ') .. target} end
  if list and not redis.acl_check_cmd('SADD', KEYS[3], 'x') then return {'refused', '', next, 'NOPERM SADD ' .. KEYS[3]} end
end

local begun = pcall('HSET', record, 'next', math.max(next, seq + 1), 'id:' .. seq, bid)
if failure(begun) then return {'refused', '', next, begun.err} end

local entries, results, at = {}, nil, 7
local added = 0
if list then
  for i = 1, count do entries[i] = ARGV[at] at = at + 1 end
  added = pcall('SADD', KEYS[3], ARGV[5])
  if not failure(added) then added = pcall('LPUSH', target, unpack(entries)) end
else
  local told = {}
  for i = 1, count do
    local score, entry = ARGV[at], ARGV[at + 1]
    at = at + 2
    local there = pcall('ZSCORE', target, entry)
    if failure(there) then added = there break end
    told[i] = there and 'x' or '1'
    if not there then
      entries[#entries + 1] = score
      entries[#entries + 1] = entry
    end
  end
  if not failure(added) and #entries > 0 then added = pcall('ZADD', target, 'NX', unpack(entries)) end
  if #entries < 2 * count then results = table.concat(told) end
end
if failure(added) then
  redis.call('HDEL', record, 'id:' .. seq)
  return {'refused', '', next, added.err}
end
if results then redis.call('HSET', record, 'r' .. seq, results) end
redis.call('HSET', record, 'put', tonumber(facts[5] or '0') + count)

-- How far iterable jobs have come: never over what is known here already.
local trouble = ''
for k = 4, #KEYS do
  local ttl, values = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local fields = {unpack(ARGV, at + 2, at + 1 + values)}
  at = at + 2 + values
  if pcall('EXISTS', KEYS[k]) == 0 then
    local set = pcall('HSET', KEYS[k], unpack(fields))
    if failure(set) then trouble = set.err elseif ttl > 0 then pcall('PEXPIRE', KEYS[k], ttl) end
  end
end
return {'ok', results or string.rep('1', count), math.max(next, seq + 1), trouble}
