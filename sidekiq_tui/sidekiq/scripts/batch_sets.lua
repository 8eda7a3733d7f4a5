-- Items of entries of sorted sets (part of batch.lua).
-- A run's entries that are there: their bytes, scores and places in `results`; each of the others gets its 0. `size`:
-- values of an item, of which the first is what is looked for. Nil when that went wrong.
local function those_there(source, first, count, size)
  local olds, met = {}, {}
  for i = 1, count do olds[i] = ARGV[at + (i - 1) * size + 1] end
  local scores = pcall('ZMSCORE', source, unpack(olds))
  if not well(scores) then return nil end
  local there = {}
  for i = 1, count do
    if scores[i] and not met[olds[i]] then
      met[olds[i]] = true
      there[#there + 1] = {old = olds[i], score = scores[i], values = at + (i - 1) * size, place = first + i - 1}
    else
      results[first + i - 1] = '0'
    end
  end
  return there
end

local function all(there, name)
  local values = {}
  for i = 1, #there do values[i] = there[i][name] end
  return unpack(values)
end

-- Removes what was added elsewhere; where that fails `back` takes the additions back, one by one, the last first.
local function remove(source, there, back)
  local removed = pcall('ZREM', source, all(there, 'old'))
  if removed == #there then
    for i = 1, #there do results[there[i].place] = '1' end
    return
  end
  well(removed)
  local result = '-'
  for i = #there, 1, -1 do
    if result == '-' then result = back(there[i]) end
    results[there[i].place] = result
  end
end

-- Move: set, queue, queues, name; old, new
items.M = {4, 2, run = function(first, count)
  local source, queue = k(1), k(2)
  local there = those_there(source, first, count, 2)
  if not there or #there == 0 then return end
  for i = 1, #there do there[i].new = ARGV[there[i].values + 2] end
  if not register(k(3), h(4)) or not well(pcall('LPUSH', queue, all(there, 'new'))) then return end
  remove(source, there, function(one) return undone(one.new, 'LPOP', queue) end)
end}

-- MoveInSets from one to another: source, target; old, new (empty when it is the same), score
items.K = {2, 3, run = function(first, count)
  local source, target = k(1), k(2)
  local there = those_there(source, first, count, 3)
  if not there or #there == 0 then return end
  for i = 1, #there do
    local new = ARGV[there[i].values + 2]
    there[i].new = new == '' and there[i].old or new
  end
  local others = pcall('ZMSCORE', target, all(there, 'new'))
  if not well(others) then return end
  local added, scored, met = {}, {}, {}
  for i = 1, #there do
    local one = there[i]
    if others[i] or met[one.new] then
      results[one.place] = 'x'
    else
      met[one.new] = true
      added[#added + 1] = one
      scored[#scored + 1] = ARGV[one.values + 3]
      scored[#scored + 1] = one.new
    end
  end
  if #added == 0 or not well(pcall('ZADD', target, unpack(scored))) then return end
  remove(source, added, function(one) return undone(1, 'ZREM', target, one.new) end)
end}

-- MoveInSets in the same one: set; old, new, score (empty for the one that it has)
items.Z = {1, 3, one = function()
  local set, old, new, score = k(1), v(1), v(2), v(3)
  local there = pcall('ZSCORE', set, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  if score == '' then score = there end
  if old == new then return well(pcall('ZADD', set, score, new)) and '1' or '-' end
  local other = pcall('ZSCORE', set, new)
  if not well(other) then return '-' end
  if other then return 'x' end
  if not well(pcall('ZADD', set, score, new)) then return '-' end
  local removed = pcall('ZREM', set, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', set, new)
end}

-- Reschedule: set; old, known, score
items.R = {1, 3, run = function(first, count)
  local there = those_there(k(1), first, count, 3)
  if not there then return end
  local changed, scored = {}, {}
  for i = 1, #there do
    local one = there[i]
    if tonumber(one.score) == tonumber(ARGV[one.values + 2]) then
      changed[#changed + 1] = one
      scored[#scored + 1] = ARGV[one.values + 3]
      scored[#scored + 1] = one.old
    else
      results[one.place] = '0'
    end
  end
  if #changed == 0 or not well(pcall('ZADD', k(1), 'XX', unpack(scored))) then return end
  for i = 1, #changed do results[changed[i].place] = '1' end
end}

-- DeleteFromSet for good: set; old
items.d = {1, 1, run = function(first, count)
  local there = those_there(k(1), first, count, 1)
  if not there or #there == 0 or not well(pcall('ZREM', k(1), all(there, 'old'))) then return end
  for i = 1, #there do results[there[i].place] = '1' end
end}

-- DeleteFromSet: set, trash; old
items.D = {2, 1, run = function(first, count)
  local source, bin = k(1), k(2)
  local there = those_there(source, first, count, 1)
  if not there or #there == 0 then return end
  local scored = {}
  for i = 1, #there do
    scored[#scored + 1] = there[i].score
    scored[#scored + 1] = there[i].old
  end
  if not keep(bin) or not well(pcall('ZADD', bin, unpack(scored))) then return end
  remove(source, there, function(one) return undone(1, 'ZREM', bin, one.old) end)
end}

-- Push into a set: set; new, score
items.p = {1, 2, one = function()
  local added = pcall('ZADD', k(1), 'NX', v(2), v(1))
  if not well(added) then return '-' end
  return added == 1 and '1' or 'x'
end}

-- RestoreToSet: trash, target; old, score
items.U = {2, 2, one = function()
  local bin, old, target = k(1), v(1), k(2)
  local there = pcall('ZSCORE', bin, old)
  if not well(there) then return '-' end
  if not there then return '0' end
  local added = pcall('ZADD', target, 'NX', v(2), old)
  if not well(added) then return '-' end
  if added == 0 then return 'x' end
  local removed = pcall('ZREM', bin, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, old)
end}
