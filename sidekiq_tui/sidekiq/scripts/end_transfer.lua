-- Ends a move between servers on its source, unless jobs are still parked. KEYS: record, its closed form.
-- ARGV: seconds to keep it.
local facts = redis.call('HMGET', KEYS[1], 'next', 'state')
if not facts[1] then return 'closed' end
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 3) == 'id:' then return 'open' end
end
-- A full server takes no new value: there the fence serves as well.
local done = redis.pcall('HSET', KEYS[1], 'state', 'done')
if type(done) == 'table' and done.err then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('EXPIRE', KEYS[2], ARGV[1])
else
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return 'ok'
