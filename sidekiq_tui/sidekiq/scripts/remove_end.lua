-- Takes entries out of which a copy was kept: those of a list only if its tail is exactly them, those of a set one by one
-- if their score is still the same. A batch by its number and id where there is a record, else it lives for seconds.
-- KEYS: queue or set, record (or none). ARGV: number of the batch, its id, last second (0: any), type, then of a list
-- how many and the SHA-1 of their lengths and bytes, of a set scores and entries by turns.
-- Returns status, one result per entry, error.
local function failed(reply) return type(reply) == 'table' and reply.err end
if ARGV[3] ~= '0' and tonumber(redis.call('TIME')[1]) > tonumber(ARGV[3]) then return {'closed', '', ''} end
if redis.replicate_commands then redis.replicate_commands() end
local seq = tonumber(ARGV[1])
if KEYS[2] then
  local told = redis.call('HMGET', KEYS[2], 'next', 'state', 'r' .. seq)
  if not told[1] or told[2] ~= 'open' then return {'closed', '', ''} end
  if seq < tonumber(told[1]) then
    local id, results = string.match(told[3] or '', '^([^:]*):(.*)$')
    if id == ARGV[2] then return {'done', results, ''} end
    return {'taken', '', ''}
  end
  if seq > tonumber(told[1]) then return {'gap', '', told[1]} end
end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= ARGV[4] then return {'type', '', ''} end
if KEYS[2] then
  local noted = redis.pcall('HSET', KEYS[2], 'next', seq + 1, 'r' .. seq, ARGV[2] .. ':')
  if failed(noted) then return {'refused', '', noted.err} end
  redis.call('HDEL', KEYS[2], 'r' .. (seq - 8))
end
local results, trouble = '', ''
if ARGV[4] == 'list' then
  local count = tonumber(ARGV[5])
  local parts = redis.call('LRANGE', KEYS[1], -count, -1)
  for i = 1, #parts do parts[i] = #parts[i] .. ':' .. parts[i] end
  if #parts ~= count or redis.sha1hex(table.concat(parts)) ~= ARGV[6] then
    results = string.rep('0', count)
  else
    local cut = redis.pcall('LTRIM', KEYS[1], 0, -count - 1)
    if failed(cut) then trouble = cut.err end
    results = string.rep(failed(cut) and '-' or '1', count)
  end
else
  local all = {}
  for i = 5, #ARGV, 2 do
    local score = trouble == '' and redis.call('ZSCORE', KEYS[1], ARGV[i + 1])
    local result = trouble == '' and '0' or '-'
    if score and tonumber(score) == tonumber(ARGV[i]) then
      local removed = redis.pcall('ZREM', KEYS[1], ARGV[i + 1])
      if failed(removed) then trouble = removed.err result = '-' else result = '1' end
    end
    all[#all + 1] = result
  end
  results = table.concat(all)
end
if KEYS[2] then redis.call('HSET', KEYS[2], 'r' .. seq, ARGV[2] .. ':' .. results) end
return {'ok', results, trouble}
