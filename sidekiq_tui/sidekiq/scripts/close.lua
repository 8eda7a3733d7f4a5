-- The fence: after this no delayed command of the generation finds its record. Works on a full server, too.
-- KEYS: record, its closed form. ARGV: seconds to keep it, who closes it (or nothing).
-- Returns the fields, or nil when there is no record.
if redis.call('EXISTS', KEYS[1]) > 0 then
  -- Both cannot be there: no record begins beside a closed one.
  redis.call('RENAME', KEYS[1], KEYS[2])
  -- A full server takes no new field; then it is as if the one who runs the operation had closed it.
  if ARGV[2] ~= '' then redis.pcall('HSET', KEYS[2], 'closer', ARGV[2]) end
end
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
-- Jobs that are parked must not be forgotten.
local parked = redis.call('HGET', KEYS[2], 'parked')
if redis.call('TTL', KEYS[2]) == -1 and (not parked or redis.call('EXISTS', parked) == 0) then
  redis.call('EXPIRE', KEYS[2], ARGV[1])
end
return redis.call('HGETALL', KEYS[2])
