-- Puts the next entries of a trash key, or of a stage, back to a queue (to its front, the last ones to run first) or a
-- set (with their scores; what is there again stays). A batch by its number and id.
-- KEYS: record, trash key or stage, queue or set, `queues`, list of trash.
-- ARGV: number of the batch, its id, entries, type, name of the queue or ''.
-- Returns status, one result per entry, entries left, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
local function left()
  local kind = redis.call('TYPE', KEYS[2]).ok
  return kind == 'none' and 0 or redis.call(kind == 'list' and 'LLEN' or 'ZCARD', KEYS[2])
end
local seq = tonumber(ARGV[1])
local told = redis.call('HMGET', KEYS[1], 'next', 'state', 'r' .. seq)
if not told[1] or told[2] ~= 'open' then return {'closed', '', 0, ''} end
if seq < tonumber(told[1]) then
  local id, results = string.match(told[3] or '', '^([^:]*):(.*)$')
  if id == ARGV[2] then return {'done', results, left(), ''} end
  return {'taken', '', 0, ''}
end
if seq > tonumber(told[1]) then return {'gap', '', 0, told[1]} end
local from, to = redis.call('TYPE', KEYS[2]).ok, redis.call('TYPE', KEYS[3]).ok
if (from ~= 'none' and from ~= ARGV[4]) or (to ~= 'none' and to ~= ARGV[4]) then return {'type', '', 0, ''} end
local noted = redis.pcall('HSET', KEYS[1], 'next', seq + 1, 'r' .. seq, ARGV[2] .. ':')
if failed(noted) then return {'refused', '', 0, noted.err} end
redis.call('HDEL', KEYS[1], 'r' .. (seq - 8))
local results, trouble, count, bytes = {}, '', tonumber(ARGV[3]), 0
local function move(entry, score)
  local list = from == 'list'
  local added = list and redis.pcall('RPUSH', KEYS[3], entry) or redis.pcall('ZADD', KEYS[3], 'NX', score, entry)
  if failed(added) then return added.err end
  local removed = list and redis.pcall('LPOP', KEYS[2]) or redis.pcall('ZREM', KEYS[2], entry)
  if failed(removed) then
    local back = list and redis.pcall('RPOP', KEYS[3]) or added == 1 and redis.pcall('ZREM', KEYS[3], entry)
    if failed(back) then results[#results + 1] = 'D' end
    return removed.err
  end
  results[#results + 1] = (list or added == 1) and '1' or 'x'
  bytes = bytes + #entry
  return ''
end
while from ~= 'none' and trouble == '' and #results < count and bytes < 524288 do
  local entry, score
  if from == 'list' then
    entry = redis.call('LINDEX', KEYS[2], 0)
  else
    local found = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
    entry, score = found[1], found[2]
  end
  if not entry then break end
  trouble = move(entry, score)
end
results = table.concat(results)
redis.call('HSET', KEYS[1], 'r' .. seq, ARGV[2] .. ':' .. results)
if ARGV[5] ~= '' and results ~= '' then redis.pcall('SADD', KEYS[4], ARGV[5]) end
if left() == 0 then redis.pcall('ZREM', KEYS[5], KEYS[2]) end
return {'ok', results, left(), trouble}
