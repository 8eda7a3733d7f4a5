-- Begins one attempt to rebuild a queue beside it: takes the lock, drops what an earlier attempt left (an old queue is
-- one that this operation has replaced before), and reads the newest entries. An attempt of a lower number can do nothing
-- from here on.
-- KEYS: record, queue, copy, what is taken out, lock, name for the old queue.
-- ARGV: number of the attempt, id of the operation and a space, what the lock shall say, entries to read, bytes.
-- Returns status, length of the queue, entries, error or who holds the lock.
local function failed(reply) return type(reply) == 'table' and reply.err end
local told = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'cut')
if told[1] ~= 'open' then return {'closed', 0, {}, ''} end
if told[3] then return {'cut', 0, {}, told[3]} end
if told[2] and tonumber(told[2]) >= tonumber(ARGV[1]) then return {'taken', 0, {}, ''} end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind == 'none' then return {'nothing', 0, {}, ''} end
if kind ~= 'list' then return {'type', 0, {}, ''} end
local holder = redis.call('GET', KEYS[5])
if holder and string.sub(holder, 1, #ARGV[2]) ~= ARGV[2] then return {'busy', 0, {}, holder} end
local noted = redis.pcall('HSET', KEYS[1], 'attempt', ARGV[1], 'step', 0)
if failed(noted) then return {'refused', 0, {}, noted.err} end
for _, reply in ipairs({
  redis.pcall('SET', KEYS[5], ARGV[3], 'PX', 30000), redis.pcall('UNLINK', KEYS[3], KEYS[4], KEYS[6])
}) do
  if failed(reply) then return {'refused', 0, {}, reply.err} end
end
local entries, bytes = {}, 0
for _, entry in ipairs(redis.call('LRANGE', KEYS[2], 0, ARGV[4] - 1)) do
  entries[#entries + 1] = entry
  bytes = bytes + #entry
  if bytes >= tonumber(ARGV[5]) then break end
end
return {'ok', redis.call('LLEN', KEYS[2]), entries, ''}
