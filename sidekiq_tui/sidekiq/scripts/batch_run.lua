-- Carries the items out (part of batch.lua).
-- The entries, until the first that stops it.
local run, stopped = start, false
while run <= #ARGV do
  local item, count, first = items[ARGV[run]], tonumber(ARGV[run + 1]), #results + 1
  base, at = run + 1, run + 1 + item[1]
  run = at + count * item[2] + 1
  if item.run and not stopped then
    item.run(first, count)
  elseif not stopped then
    local i = first
    looks = 4
    while i < first + count do
      local many = item.row and i < first + count - 1 and item.row(i, first + count - i) or 0
      if many == 0 then results[i], many = item.one(), 1 end
      if results[i] == '-' or results[i] == 'D' then break end
      i, at = i + many, at + many * item[2]
    end
  end
  settle(results, first, count, '-')
  for i = first, first + count - 1 do
    stopped = stopped or results[i] == '-' or results[i] == 'D'
  end
end
for i = 1, #trash do
  -- A trash that has nothing left, or that nothing went into, is gone by itself.
  if index and pcall('EXISTS', trash[i]) == 0 then
    pcall('ZREM', index, trash[i])
  elseif kept[trash[i]] then
    pcall('EXPIRE', trash[i], TRASH_EXPIRES)
  end
end
results = table.concat(results)
if record then
  local noted = pcall('HSET', record, 'r' .. seq, bid .. ':' .. results)
  if failure(noted) then text = noted.err end
end
return {'ok', results, text}
