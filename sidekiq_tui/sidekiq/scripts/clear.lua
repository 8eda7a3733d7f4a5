-- Empties a queue or set at once, whatever its size, by renaming it to the trash or by freeing it. The record holds the
-- answer, whatever it is: sent again, or late, it changes nothing.
-- KEYS: record, queue or set, `queues`, list of trash, trash key (none: free it).
-- ARGV: type, most entries that may be there, name of the queue or '', time to reap, seconds to live.
-- Returns status, count, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
local told = redis.call('HMGET', KEYS[1], 'cleared', 'count', 'state')
if told[1] then return {told[1], tonumber(told[2]), ''} end
if told[3] ~= 'open' then return {'closed', 0, ''} end
local status, count, kind = 'ok', 0, redis.call('TYPE', KEYS[2]).ok
if kind == 'none' then
  status = 'none'
elseif kind ~= ARGV[1] then
  status = 'type'
else
  count = redis.call(kind == 'list' and 'LLEN' or 'ZCARD', KEYS[2])
  if count > tonumber(ARGV[2]) then status = 'grown' end
  if KEYS[5] and redis.call('EXISTS', KEYS[5]) > 0 then status = 'exists' end
end
local noted = redis.pcall('HSET', KEYS[1], 'cleared', status, 'count', count, 'next', 1)
if failed(noted) then return {'refused', 0, noted.err} end
if status ~= 'ok' then return {status, count, ''} end
local function undone(reply)
  redis.call('HDEL', KEYS[1], 'cleared', 'count')
  redis.call('HSET', KEYS[1], 'next', 0)
  return {'refused', 0, reply.err}
end
if KEYS[5] then
  -- First the list: trash that is not in it could never be found again.
  local listed = redis.pcall('ZADD', KEYS[4], ARGV[4], KEYS[5])
  if failed(listed) then return undone(listed) end
  local moved = redis.pcall('RENAME', KEYS[2], KEYS[5])
  if failed(moved) then
    redis.call('ZREM', KEYS[4], KEYS[5])
    return undone(moved)
  end
  redis.pcall('EXPIRE', KEYS[5], ARGV[5])
else
  local freed = redis.pcall('UNLINK', KEYS[2])
  if failed(freed) then return undone(freed) end
end
if ARGV[3] ~= '' then redis.pcall('SREM', KEYS[3], ARGV[3]) end
return {'ok', count, ''}
