-- Ends a stage whose jobs the other server has, and puts those back that it did not take (operations-safety 11).
-- KEYS: record, stage, queue or set, `queues`, then states of iterable jobs that went along. ARGV: number, random id,
-- type of the place, name of the queue, `head` or `tail` for what is put back, how many have gone, then the ranks of those
-- that are put back, the oldest being 0. Returns {status, error}.
local pcall = redis.pcall
local record, stage, source, list = KEYS[1], KEYS[2], KEYS[3], ARGV[3] == 'list'
local seq = tonumber(ARGV[1])
local function failure(reply) return type(reply) == 'table' and reply.err or nil end

local facts = pcall('HMGET', record, 'next', 'id:' .. seq, 'acked', 'moved')
if failure(facts) then return {'refused', facts.err} end
if not facts[1] then return {'closed', ''} end
if facts[2] ~= ARGV[2] then return {'old', ''} end

if redis.acl_check_cmd and not redis.acl_check_cmd('UNLINK', stage) and not redis.acl_check_cmd('DEL', stage) then
  return {'refused', 'NOPERM UNLINK ' .. stage}
end
-- A write that changes nothing: after it, a full server lets the rest through.
local begun = pcall('HDEL', record, 'nothing')
if failure(begun) then return {'refused', begun.err} end
local back = {}
for i = 7, #ARGV do
  local rank = tonumber(ARGV[i])
  if list then
    back[#back + 1] = redis.call('LINDEX', stage, -1 - rank)
  else
    local found = redis.call('ZRANGE', stage, rank, rank, 'WITHSCORES')
    back[#back + 1] = found[2]
    back[#back + 1] = found[1]
  end
end
if #back > 0 then
  local added
  if not list then
    added = pcall('ZADD', source, 'NX', unpack(back))
  elseif ARGV[5] == 'head' then
    added = pcall('LPUSH', source, unpack(back))
  else
    local turned = {}
    for i = #back, 1, -1 do turned[#turned + 1] = back[i] end
    added = pcall('RPUSH', source, unpack(turned))
  end
  if failure(added) then return {'refused', added.err} end
  if list then pcall('SADD', KEYS[4], ARGV[4]) end
end
local freed = pcall('UNLINK', stage)
if failure(freed) then freed = pcall('DEL', stage) end
redis.call('HDEL', record, 'id:' .. seq, 'of:' .. seq)
local gone = tonumber(ARGV[6])
if gone > 0 then
  local acked, moved = math.max(tonumber(facts[3] or '0'), seq + 1), tonumber(facts[4] or '0') + gone
  redis.call('HSET', record, 'acked', acked, 'moved', moved)
end
for k = 5, #KEYS do pcall('UNLINK', KEYS[k]) end
return {'ok', failure(freed) or ''}
