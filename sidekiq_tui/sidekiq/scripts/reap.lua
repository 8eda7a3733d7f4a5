-- Frees a trash key whose time is over, by the caller's clock and by this server's own: one that is ahead frees nothing
-- early. KEYS: list of trash, trash key. ARGV: now.
local until_when = tonumber(redis.call('ZSCORE', KEYS[1], KEYS[2]))
local now = math.min(tonumber(ARGV[1]), tonumber(redis.call('TIME')[1]))
if not until_when or until_when > now then return 0 end
local freed = redis.call('UNLINK', KEYS[2])
redis.call('ZREM', KEYS[1], KEYS[2])
return freed
