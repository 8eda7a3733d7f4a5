-- Frees what a rebuild has left: its lock, and what is no longer needed of the copy or of the old queue.
-- KEYS: record, copy, what was taken out, lock, old queue. ARGV: number of the attempt, id of the operation and a space.
local told = redis.call('HMGET', KEYS[1], 'attempt', 'cut')
if told[1] and tonumber(told[1]) > tonumber(ARGV[1]) then return 0 end
local holder = redis.call('GET', KEYS[4])
if holder and string.sub(holder, 1, #ARGV[2]) == ARGV[2] then redis.call('DEL', KEYS[4]) end
if not told[1] then return 0 end
if told[2] then return redis.call('UNLINK', KEYS[5]) end
return redis.call('UNLINK', KEYS[2], KEYS[3])
