-- Puts a cleared queue or set back at once, where little came since: what came goes to the trash key, behind what was
-- there, and that key takes its old name. The record holds the answer.
-- KEYS: record, queue or set, trash key, `queues`, list of trash.
-- ARGV: type, most entries that may have come, name of the queue or ''.
-- Returns status, entries put back, entries that were there again, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
local told = redis.call('HMGET', KEYS[1], 'restored', 'existing', 'state')
if told[1] then return {'ok', tonumber(told[1]), tonumber(told[2]), ''} end
if told[3] ~= 'open' then return {'closed', 0, 0, ''} end
local list = ARGV[1] == 'list'
local kept, here = redis.call('TYPE', KEYS[3]).ok, redis.call('TYPE', KEYS[2]).ok
if kept == 'none' then return {'gone', 0, 0, ''} end
if kept ~= ARGV[1] or (here ~= 'none' and here ~= ARGV[1]) then return {'type', 0, 0, ''} end
local count = redis.call(list and 'LLEN' or 'ZCARD', KEYS[3])
local came = here == 'none' and 0 or redis.call(list and 'LLEN' or 'ZCARD', KEYS[2])
if came > tonumber(ARGV[2]) then return {'many', count, 0, ''} end
-- May it be renamed? To its own name that changes nothing, and a right that is missing is told from a key that is.
for i = 2, 3 do
  local may = redis.pcall('RENAME', KEYS[i], KEYS[i])
  if failed(may) and not string.find(may.err, 'no such key', 1, true) then return {'refused', 0, 0, may.err} end
end
local noted = redis.pcall('HSET', KEYS[1], 'restored', count, 'existing', 0, 'next', 1)
if failed(noted) then return {'refused', 0, 0, noted.err} end
-- From here on only the first command of a kind can fail, for want of a right: then nothing has moved.
local function undone(reply)
  redis.call('HDEL', KEYS[1], 'restored', 'existing')
  redis.call('HSET', KEYS[1], 'next', 0)
  return {'refused', 0, 0, reply.err}
end
local existing = 0
if list then
  for i = 1, came do
    local moved = redis.pcall('RPOPLPUSH', KEYS[2], KEYS[3])
    if failed(moved) then return undone(moved) end
  end
elseif came > 0 then
  local live = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
  for i = 1, #live, 2 do
    local added = redis.pcall('ZADD', KEYS[3], live[i + 1], live[i])
    if failed(added) then return undone(added) end
    existing = existing + 1 - added
  end
end
-- What lies under the old name is nothing (a list), or is in the other set, too.
redis.call('RENAME', KEYS[3], KEYS[2])
redis.call('PERSIST', KEYS[2])
if ARGV[3] ~= '' then redis.pcall('SADD', KEYS[4], ARGV[3]) end
redis.call('HSET', KEYS[1], 'restored', count - existing, 'existing', existing)
redis.pcall('ZREM', KEYS[5], KEYS[3])
return {'ok', count - existing, existing, ''}
