-- Frees a trash key whose time is over. KEYS: list of trash, trash key. ARGV: now.
local until_when = redis.call('ZSCORE', KEYS[1], KEYS[2])
if not until_when or tonumber(until_when) > tonumber(ARGV[1]) then return 0 end
local freed = redis.call('UNLINK', KEYS[2])
redis.call('ZREM', KEYS[1], KEYS[2])
return freed
