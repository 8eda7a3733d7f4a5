-- Ends an operation all of whose batches are known. KEYS: record, its closed form. ARGV: seconds to keep it.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'closed' end
-- A full server takes no new field: there the fence serves as well.
local done, record = redis.pcall('HSET', KEYS[1], 'state', 'done'), KEYS[1]
if type(done) == 'table' and done.err then
  record = KEYS[2]
  redis.call('RENAME', KEYS[1], record)
end
-- Jobs that are parked must not be forgotten.
local parked = redis.call('HGET', record, 'parked')
if not parked or redis.call('EXISTS', parked) == 0 then redis.call('EXPIRE', record, ARGV[1]) end
return 'ok'
