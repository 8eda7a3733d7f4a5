-- Puts a whole stage back where its jobs came from: in a queue to where they run next, in their old order; in a set with
-- their scores (what is there again stays). Only once the other server is fenced and did not take them.
-- KEYS: record, stage, queue or set, `queues`. ARGV: number, random id, type of the place, name of the queue.
-- Returns {status, put back, those that were there again, error}.
local pcall = redis.pcall
local record, stage, source, list = KEYS[1], KEYS[2], KEYS[3], ARGV[3] == 'list'
local function failure(reply) return type(reply) == 'table' and reply.err or nil end

local facts = pcall('HMGET', record, 'next', 'id:' .. ARGV[1])
if failure(facts) then return {'refused', 0, 0, facts.err} end
if not facts[1] then return {'closed', 0, 0, ''} end
if facts[2] ~= ARGV[2] then return {'old', 0, 0, ''} end
local found = pcall('TYPE', source)
if failure(found) then return {'refused', 0, 0, found.err} end
if found.ok ~= 'none' and found.ok ~= ARGV[3] then return {'type', 0, 0, source} end

local begun = pcall('HDEL', record, 'nothing')
if failure(begun) then return {'refused', 0, 0, begun.err} end
local back, existing, added = {}, 0, 0
if list then
  back = redis.call('LRANGE', stage, 0, -1)
  if #back > 0 then added = pcall('RPUSH', source, unpack(back)) end
  added = failure(added) and added or #back
  if #back > 0 and not failure(added) then pcall('SADD', KEYS[4], ARGV[4]) end
else
  local staged = redis.call('ZRANGE', stage, 0, -1, 'WITHSCORES')
  for i = 1, #staged, 2 do
    back[i], back[i + 1] = staged[i + 1], staged[i]
  end
  if #back > 0 then added = pcall('ZADD', source, 'NX', unpack(back)) end
  if not failure(added) then existing = #back / 2 - added end
end
if failure(added) then return {'refused', 0, 0, added.err} end
redis.call('UNLINK', stage)
redis.call('HDEL', record, 'id:' .. ARGV[1], 'of:' .. ARGV[1])
return {'ok', added, existing, ''}
