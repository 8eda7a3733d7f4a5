-- Puts the copy in the place of the queue, in one moment, and what was taken out where it goes. Until then the queue was
-- whole; from then on the record says that it happened.
-- KEYS: record, queue, copy, what is taken out, lock, name for the old queue, where what is taken out goes, list of trash.
-- ARGV: number of the attempt, what the lock says, entries known, fetched at the last step, length of the copy, of what
-- is taken out, how many at the end of each were fetched before the last step, arrivals at most, whether it goes to the
-- trash, time to reap, seconds to live, per entry that the last step left at the tail, the last first: k or d (taken
-- out) and half its SHA-1; the newest known entry, and of those behind it half their SHA-1.
-- Returns status, entries taken out, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
local told = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'cut')
if told[3] then return {'done', tonumber(told[3]), ''} end
if told[1] ~= 'open' or told[2] ~= ARGV[1] then return {'closed', 0, ''} end
if redis.call('GET', KEYS[5]) ~= ARGV[2] then return {'busy', 0, redis.call('GET', KEYS[5]) or ''} end
for k = 2, 4 do
  local kind = redis.call('TYPE', KEYS[k]).ok
  if kind ~= 'none' and kind ~= 'list' then return {'changed', 0, ''} end
end
local copied, out = tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('LLEN', KEYS[3]) ~= copied or redis.call('LLEN', KEYS[4]) ~= out then return {'expired', 0, ''} end
if redis.call('EXISTS', KEYS[6], KEYS[7]) > 0 then return {'exists', 0, ''} end
local size, known, before = redis.call('LLEN', KEYS[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if size == 0 then return {'empty', 0, ''} end

-- Where the newest known entry is now. Of equal entries that one for which the rest fits.
local function half(entry) return string.sub(redis.sha1hex(entry), 1, 16) end
local function fits(place)
  if redis.call('LINDEX', KEYS[2], place) ~= ARGV[14] then return false end
  for i = 1, #ARGV[15] / 16 do
    local entry = redis.call('LINDEX', KEYS[2], place + i)
    if entry and half(entry) ~= string.sub(ARGV[15], i * 16 - 15, i * 16) then return false end
  end
  return true
end
local came = math.max(0, size - known + before)
if not fits(came) then
  local least = came
  came = nil
  for rank = 1, 64 do
    local place = redis.call('LPOS', KEYS[2], ARGV[14], 'RANK', rank, 'MAXLEN', 20000)
    if not place then break end
    if place > least and fits(place) then came = place break end
  end
end
if not came then return {'anchor', 0, ''} end
local more = known + came - size - before
if came > tonumber(ARGV[9]) or (more + 1) * 17 > #ARGV[13] then return {'retry', 0, ''} end
-- The tail must be what it was, but for what workers have taken: its entries, each by its hash.
local bytes = 0
for i = 0, math.min(200, size - came, math.floor(#ARGV[13] / 17) - more) - 1 do
  local entry, at = redis.call('LINDEX', KEYS[2], -1 - i), (more + i) * 17
  if half(entry) ~= string.sub(ARGV[13], at + 2, at + 17) then return {'changed', 0, ''} end
  bytes = bytes + #entry
  if bytes > 524288 then break end
end
local gone_kept, gone_out = tonumber(ARGV[7]), tonumber(ARGV[8])
for i = 0, more - 1 do
  if string.sub(ARGV[13], i * 17 + 1, i * 17 + 1) == 'k' then gone_kept = gone_kept + 1 else gone_out = gone_out + 1 end
end
-- May all be renamed? To its own name that changes nothing, and a right that is missing is told from a key that is.
for _, k in ipairs({2, 3, 4, 6, 7}) do
  local may = redis.pcall('RENAME', KEYS[k], KEYS[k])
  if failed(may) and not string.find(may.err, 'no such key', 1, true) then return {'refused', 0, may.err} end
end

out = out - gone_out
local noted = redis.pcall('HSET', KEYS[1], 'cut', out, 'next', 1)
if failed(noted) then return {'refused', 0, noted.err} end
-- Up to the first RENAME only copies change: should one of these fail, they are dropped.
local replies = {}
if gone_kept > 0 then replies[#replies + 1] = redis.pcall('LTRIM', KEYS[3], 0, -gone_kept - 1) end
if gone_out > 0 then replies[#replies + 1] = redis.pcall('LTRIM', KEYS[4], 0, -gone_out - 1) end
local at = came
while at > 0 do
  local from, oldest_first = math.max(0, at - 500), {}
  local some = redis.call('LRANGE', KEYS[2], from, at - 1)
  for i = #some, 1, -1 do oldest_first[#oldest_first + 1] = some[i] end
  replies[#replies + 1] = redis.pcall('LPUSH', KEYS[3], unpack(oldest_first))
  at = from
end
replies[#replies + 1] = redis.pcall('PERSIST', KEYS[3])
replies[#replies + 1] = redis.pcall('PERSIST', KEYS[4])
if ARGV[10] == '1' and out > 0 then replies[#replies + 1] = redis.pcall('ZADD', KEYS[8], ARGV[11], KEYS[7]) end
for _, reply in ipairs(replies) do
  if failed(reply) then
    redis.call('HDEL', KEYS[1], 'cut')
    redis.call('HSET', KEYS[1], 'next', 0)
    if ARGV[10] == '1' then redis.pcall('ZREM', KEYS[8], KEYS[7]) end
    return {'refused', 0, reply.err}
  end
end
redis.call('RENAME', KEYS[2], KEYS[6])
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[2]) end
if out > 0 then
  redis.call('RENAME', KEYS[4], KEYS[7])
  if ARGV[10] == '1' then redis.pcall('EXPIRE', KEYS[7], ARGV[12]) end
end
redis.pcall('EXPIRE', KEYS[6], 86400)
return {'ok', out, ''}
