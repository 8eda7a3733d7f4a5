-- Copies the entries that were read last, those to take out into a list of their own, and at the other end what has come
-- to the queue; then reads on. Aborts when the queue is not as pushes at its head and fetches from its tail leave it.
-- KEYS: record, queue, copy, what is taken out, lock.
-- ARGV: number of the attempt, of the step, what the lock says, entries known, fetched so far (at least), length of the
-- copy, of what is taken out, place of the window among the known entries, its length, SHA-1 of its entries joined by NUL,
-- its offsets to take out (packed, two bytes each), entries to read, bytes, arrivals to take, the newest known entry, of
-- those behind it half their SHA-1, and for an empty window of those before its place, from there on, k or d and the same.
-- Returns status, entries fetched since the start, arrivals left (of `again`: entries of the window), arrivals taken
-- (newest first), entries, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
local function answer(status, why) return {status, 0, 0, {}, {}, why or ''} end
local told = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'step', 'cut')
if told[1] ~= 'open' or told[4] or told[2] ~= ARGV[1] then return answer('closed') end
if tonumber(told[3]) ~= tonumber(ARGV[2]) - 1 then return answer('closed') end
if redis.call('GET', KEYS[5]) ~= ARGV[3] then return answer('busy', redis.call('GET', KEYS[5]) or '') end
for k = 2, 4 do
  local kind = redis.call('TYPE', KEYS[k]).ok
  if kind ~= 'none' and kind ~= 'list' then return answer('changed') end
end
local copied, out = tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('LLEN', KEYS[3]) ~= copied or redis.call('LLEN', KEYS[4]) ~= out then return answer('expired') end
local size, known = redis.call('LLEN', KEYS[2]), tonumber(ARGV[4])
if size == 0 then return answer('empty') end

-- Where the newest known entry is now. Of equal entries that one for which the rest fits.
local function half(entry) return string.sub(redis.sha1hex(entry), 1, 16) end
local function fits(place)
  if redis.call('LINDEX', KEYS[2], place) ~= ARGV[15] then return false end
  for i = 1, #ARGV[16] / 16 do
    local entry = redis.call('LINDEX', KEYS[2], place + i)
    if entry and half(entry) ~= string.sub(ARGV[16], i * 16 - 15, i * 16) then return false end
  end
  return true
end
local came = math.max(0, size - known + tonumber(ARGV[5]))
if not fits(came) then
  local least = came
  came = nil
  for rank = 1, 64 do
    local place = redis.call('LPOS', KEYS[2], ARGV[15], 'RANK', rank, 'MAXLEN', 20000)
    if not place then break end
    if place > least and fits(place) then came = place break end
  end
end
if not came then return answer('anchor') end
local fetched = known + came - size

local start, count, most = came + ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[12])
local found = start < size and redis.call('LRANGE', KEYS[2], start, start + count + most - 1) or {}
-- Is an empty window where it is thought to be? The last entry before it that is still there tells.
if count == 0 then
  local last = math.min(size - came, tonumber(ARGV[8])) - 1
  local at = (ARGV[8] - 1 - last) * 17
  local entry = redis.call('LINDEX', KEYS[2], came + last)
  if not entry or half(entry) ~= string.sub(ARGV[17], at + 2, at + 17) then return answer('moved') end
end
-- Workers have reached the window: its end is gone.
if #found < count then return {'again', fetched, #found, {}, {}, ''} end
if redis.sha1hex(table.concat(found, '\0', 1, count)) ~= ARGV[10] then return answer('moved') end

local noted = redis.pcall('HSET', KEYS[1], 'step', ARGV[2])
if failed(noted) then return answer('refused', noted.err) end
local drop, kept, dropped = {}, {}, {}
for i = 1, #ARGV[11], 2 do
  local high, low = string.byte(ARGV[11], i, i + 1)
  drop[high * 256 + low + 1] = true
end
for i = 1, count do
  local to = drop[i] and dropped or kept
  to[#to + 1] = found[i]
end
local replies = {}
if #kept > 0 then replies[#replies + 1] = redis.pcall('RPUSH', KEYS[3], unpack(kept)) end
if #dropped > 0 then replies[#replies + 1] = redis.pcall('RPUSH', KEYS[4], unpack(dropped)) end
local take = math.min(came, tonumber(ARGV[14]))
local arrived = take > 0 and redis.call('LRANGE', KEYS[2], came - take, came - 1) or {}
if take > 0 then
  local oldest_first = {}
  for i = take, 1, -1 do oldest_first[#oldest_first + 1] = arrived[i] end
  replies[#replies + 1] = redis.pcall('LPUSH', KEYS[3], unpack(oldest_first))
end
replies[#replies + 1] = redis.pcall('EXPIRE', KEYS[3], 3600)
replies[#replies + 1] = redis.pcall('EXPIRE', KEYS[4], 3600)
replies[#replies + 1] = redis.pcall('PEXPIRE', KEYS[5], 30000)
for _, reply in ipairs(replies) do
  if failed(reply) then return answer('refused', reply.err) end
end
local following, bytes = {}, 0
for i = count + 1, #found do
  following[#following + 1] = found[i]
  bytes = bytes + #found[i]
  if bytes >= tonumber(ARGV[13]) then break end
end
return {'ok', fetched, came - take, arrived, following, ''}
