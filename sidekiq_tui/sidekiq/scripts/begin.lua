-- Makes the record of an operation, or says that there is or was one.
-- KEYS: record, its closed form, the list of operations. ARGV: member of that list, now, field, value, ...
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 'exists' end
-- First the list: what is not in it could never be found again.
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 'next', 0, 'state', 'open')
-- How many fields a record has that nothing was done with yet.
redis.call('HSET', KEYS[1], 'fresh', redis.call('HLEN', KEYS[1]) + 1)
return 'ok'
