-- Ends an operation all of whose batches are known. KEYS: record, its closed form. ARGV: seconds to keep it.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'closed' end
-- A full server takes no new field: there the fence serves as well.
local done = redis.pcall('HSET', KEYS[1], 'state', 'done')
if type(done) == 'table' and done.err then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('EXPIRE', KEYS[2], ARGV[1])
else
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return 'ok'
