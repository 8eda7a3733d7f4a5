-- Forgets an operation whose record is gone, or one that began long ago and never did anything.
-- KEYS: the list of operations, record, its closed form. ARGV: member of that list, begun before.
local begun = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not begun then return 0 end
for k = 2, 3 do
  -- Ended while jobs were parked: kept until these have come away.
  local facts = redis.call('TYPE', KEYS[k]).ok == 'hash' and redis.call('HMGET', KEYS[k], 'parked', 'state') or {}
  local ended = k == 3 or facts[2] == 'done'
  if facts[1] and ended and redis.call('TTL', KEYS[k]) == -1 and redis.call('EXISTS', facts[1]) == 0 then
    redis.call('EXPIRE', KEYS[k], 777600)
  end
end
if redis.call('EXISTS', KEYS[3]) > 0 then return 0 end
if redis.call('EXISTS', KEYS[2]) > 0 then
  local facts = redis.call('HMGET', KEYS[2], 'next', 'state', 'fresh')
  local untouched = facts[1] == '0' and facts[2] == 'open' and tonumber(facts[3]) == redis.call('HLEN', KEYS[2])
  if not untouched or tonumber(begun) >= tonumber(ARGV[2]) then return 0 end
  redis.call('UNLINK', KEYS[2])
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
