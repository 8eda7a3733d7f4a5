-- Items of entries of queues (part of batch.lua).
local function place(list, entry, tail)
  if tail then return pcall('LPOS', list, entry, 'RANK', -1) end
  return pcall('LPOS', list, entry)
end

-- From a list to the head or tail of a list.
local function list_to_list(source, old, target, new, front, tail, queues, name)
  local found = place(source, old, tail)
  if not well(found) then return '-' end
  if not found then return '0' end
  if not register(queues, name) then return '-' end
  if not well(pcall(front and 'RPUSH' or 'LPUSH', target, new)) then return '-' end
  -- In the same list: from the other end, so as not to meet what was just added.
  local count = tail and -1 or 1
  if source == target then count = front and 1 or -1 end
  local removed = pcall('LREM', source, count, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(new, front and 'RPOP' or 'LPOP', target)
end

-- From a list to a sorted set.
local function list_to_set(source, old, target, new, score, tail)
  local found = place(source, old, tail)
  if not well(found) then return '-' end
  if not found then return '0' end
  local there = pcall('ZSCORE', target, new)
  if not well(there) then return '-' end
  if there then return 'x' end
  if not well(pcall('ZADD', target, score, new)) then return '-' end
  local removed = pcall('LREM', source, tail and -1 or 1, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(1, 'ZREM', target, new)
end

-- ---- Entries that lie at an end of a list in the very order of their items, as all of a queue does: a `row` of them
-- goes at once. It says how many items it was, 0 for none.
local looks = 0

-- How many such items begin here, of those `left`, with `size` values each.
local function in_a_row(source, left, size, tail)
  if looks == 0 or pcall('LINDEX', source, tail and -1 or 0) ~= v(1) then return 0 end
  looks = looks - 1
  -- Changes nothing, but where it is forbidden, entries must be removed one by one.
  if failure(pcall('LTRIM', source, 0, -1)) then return 0 end
  local lying, row = pcall('LRANGE', source, tail and -left or 0, tail and -1 or left - 1), 0
  while row < left and lying[tail and #lying - row or row + 1] == ARGV[at + row * size + 1] do row = row + 1 end
  return row > 1 and row or 0
end

-- Cuts off what was added elsewhere; where that fails `back` takes the additions back, one by one, the last first.
local function cut_off(source, tail, first, row, back)
  local cut = tail and pcall('LTRIM', source, 0, -row - 1) or pcall('LTRIM', source, row, -1)
  local result = well(cut) and '1' or '-'
  for i = row, 1, -1 do
    if result == '-' then result = back(i) end
    results[first + i - 1] = result
  end
  return row
end

-- The n-th value of each item of a row, or what stands for an empty one.
local function column(row, size, n, empty)
  local values = {}
  for i = 1, row do
    local value = ARGV[at + (i - 1) * size + n]
    values[i] = value == '' and empty and empty[i] or value
  end
  return values
end

local function row_to_list(first, left, size, source, target, front, tail, queues, name)
  local row = source ~= target and in_a_row(source, left, size, tail) or 0
  if row == 0 then return 0 end
  local news = column(row, size, size)
  if not register(queues, name) or not well(pcall(front and 'RPUSH' or 'LPUSH', target, unpack(news))) then
    results[first] = '-'
    return 1
  end
  return cut_off(source, tail, first, row, function(i) return undone(news[i], front and 'RPOP' or 'LPOP', target) end)
end

-- `same`: an empty value stands for the bytes that are there. None when one of them is there, or would be there twice: those are told apart one by one.
local function row_to_set(first, left, source, target, tail, same)
  local row = in_a_row(source, left, 3, tail)
  if row == 0 then return 0 end
  local news, scores = column(row, 3, 2, same and column(row, 3, 1)), column(row, 3, 3)
  local there, met, scored = pcall('ZMSCORE', target, unpack(news)), {}, {}
  for i = 1, row do
    if there[i] or failure(there) or met[news[i]] then return 0 end
    met[news[i]] = true
    scored[#scored + 1] = scores[i]
    scored[#scored + 1] = news[i]
  end
  if not well(pcall('ZADD', target, unpack(scored))) then
    results[first] = '-'
    return 1
  end
  return cut_off(source, tail, first, row, function(i) return undone(1, 'ZREM', target, news[i]) end)
end

-- DeleteFromQueue for good: queue, tail; old
items.q = {2, 1, one = function()
  local removed = pcall('LREM', k(1), h(2) == '1' and -1 or 1, v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end, row = function(first, left)
  local row = in_a_row(k(1), left, 1, h(2) == '1')
  return row > 0 and cut_off(k(1), h(2) == '1', first, row, function() return '-' end) or 0
end}

-- DeleteFromQueue: queue, tail, trash; old. The trash takes it before it is known to be there: to look would cost as
-- much as to remove, and nobody sees the copy before the script ends.
items.Q = {3, 1, one = function()
  local old, bin = v(1), k(3)
  if not keep(bin) or not well(pcall('RPUSH', bin, old)) then return '-' end
  local removed = pcall('LREM', k(1), h(2) == '1' and -1 or 1, old)
  if removed == 1 then return '1' end
  well(removed)
  local back = undone(old, 'RPOP', bin)
  return back == 'D' and 'D' or (removed == 0 and '0' or '-')
end, row = function(first, left)
  local row, bin = in_a_row(k(1), left, 1, h(2) == '1'), k(3)
  if row == 0 then return 0 end
  local olds = column(row, 1, 1)
  if not keep(bin) or not well(pcall('RPUSH', bin, unpack(olds))) then
    results[first] = '-'
    return 1
  end
  return cut_off(k(1), h(2) == '1', first, row, function(i) return undone(olds[i], 'RPOP', bin) end)
end}

-- MoveFromQueue to a queue: queue, tail, target, queues, name, front; old, new
items.L = {6, 2, one = function()
  return list_to_list(k(1), v(1), k(3), v(2), h(6) == '1', h(2) == '1', k(4), h(5))
end, row = function(first, left)
  return row_to_list(first, left, 2, k(1), k(3), h(6) == '1', h(2) == '1', k(4), h(5))
end}

-- MoveFromQueue to a set: queue, tail, target; old, new (empty when it is the same), score
items.S = {3, 3, one = function()
  return list_to_set(k(1), v(1), k(3), v(2) == '' and v(1) or v(2), v(3), h(2) == '1')
end, row = function(first, left)
  return row_to_set(first, left, k(1), k(3), h(2) == '1', true)
end}

-- EditInQueue: queue, tail; old, new
items.E = {2, 2, one = function()
  local found = place(k(1), v(1), h(2) == '1')
  if not well(found) then return '-' end
  if not found then return '0' end
  return well(pcall('LSET', k(1), found, v(2))) and '1' or '-'
end}

-- MoveToFront: queue; old
items.F = {1, 1, one = function()
  local queue, old = k(1), v(1)
  local first = pcall('LINDEX', queue, -1)
  if not well(first) then return '-' end
  if not first or first == old then return '0' end
  local found = place(queue, old, true)
  if not well(found) then return '-' end
  if not found then return '0' end
  if not well(pcall('RPUSH', queue, old)) then return '-' end
  local removed = pcall('LREM', queue, 1, old)
  if removed == 1 then return '1' end
  well(removed)
  return undone(old, 'RPOP', queue)
end}

-- Push to a queue: queue, queues, name; new
items.P = {3, 1, run = function(first, count)
  if not register(k(2), h(3)) or not well(pcall('LPUSH', k(1), unpack(ARGV, at + 1, at + count))) then return end
  settle(results, first, count, '1')
end}

-- TakeBack for good: queue; new
items.t = {1, 1, one = function()
  local removed = pcall('LREM', k(1), 1, v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- TakeBack: queue, target; new, old, score
items.T = {2, 3, one = function()
  return list_to_set(k(1), v(1), k(2), v(2), v(3), false)
end, row = function(first, left)
  return row_to_set(first, left, k(1), k(2), false, false)
end}

-- RestoreToQueue: trash, queue, queues, name; old
items.V = {4, 1, one = function()
  return list_to_list(k(1), v(1), k(2), v(1), true, false, k(3), h(4))
end, row = function(first, left)
  return row_to_list(first, left, 1, k(1), k(2), true, false, k(3), h(4))
end}
