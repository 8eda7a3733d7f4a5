-- Frees a queue or set on a server that has no memory left for a record. Instead it lives for seconds only: late, it
-- does nothing.
-- KEYS: queue or set, `queues`. ARGV: type, most entries that may be there, name of the queue or '', last second.
-- Returns status, count, error.
if tonumber(redis.call('TIME')[1]) > tonumber(ARGV[4]) then return {'closed', 0, ''} end
if redis.replicate_commands then redis.replicate_commands() end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {'none', 0, ''} end
if kind ~= ARGV[1] then return {'type', 0, ''} end
local count = redis.call(kind == 'list' and 'LLEN' or 'ZCARD', KEYS[1])
if count > tonumber(ARGV[2]) then return {'grown', count, ''} end
local freed = redis.pcall('UNLINK', KEYS[1])
if type(freed) == 'table' and freed.err then return {'refused', 0, freed.err} end
if ARGV[3] ~= '' then redis.pcall('SREM', KEYS[2], ARGV[3]) end
return {'ok', count, ''}
