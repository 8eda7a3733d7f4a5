-- Forgets an operation whose record is gone, or one that began long ago and never did anything.
-- KEYS: the list of operations, record, its closed form. ARGV: member of that list, begun before.
local begun = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not begun or redis.call('EXISTS', KEYS[3]) > 0 then return 0 end
if redis.call('EXISTS', KEYS[2]) > 0 then
  local facts = redis.call('HMGET', KEYS[2], 'next', 'state', 'fresh')
  local untouched = facts[1] == '0' and facts[2] == 'open' and tonumber(facts[3]) == redis.call('HLEN', KEYS[2])
  if not untouched or tonumber(begun) >= tonumber(ARGV[2]) then return 0 end
  redis.call('UNLINK', KEYS[2])
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
