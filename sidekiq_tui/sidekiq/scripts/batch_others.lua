-- Items that are not for jobs in lists (part of batch.lua).
-- SendSignal: processes, process, signals; identity, signal
items.G = {3, 2, one = function()
  local known = pcall('SISMEMBER', k(1), v(1))
  if not well(known) then return '-' end
  local info = known == 1 and pcall('HGET', k(2), 'info')
  if not well(info) then return '-' end
  if not info then return '0' end
  -- Inside a text of JSON the quotes would be escaped.
  if string.find(info, '"embedded"%s*:%s*true') then return '0' end
  local waiting = pcall('LRANGE', k(3), 0, -1)
  if not well(waiting) then return '-' end
  for i = 1, #waiting do
    if waiting[i] == v(2) then return 'x' end
  end
  if not well(pcall('LPUSH', k(3), v(2))) then return '-' end
  if not well(pcall('EXPIRE', k(3), 60)) then return undone(v(2), 'LPOP', k(3)) end
  return '1'
end}

-- Prune: processes, process; identity
items.N = {2, 1, one = function()
  local alive = pcall('HEXISTS', k(2), 'info')
  if not well(alive) then return '-' end
  if alive == 1 then return '0' end
  local removed = pcall('SREM', k(1), v(1))
  if not well(removed) then return '-' end
  return removed == 1 and '1' or '0'
end}

-- CancelIteration: state; now. A job that never ran has no cursor: Ruby would fail on a state without one.
items.C = {1, 1, one = function()
  local state = k(1)
  local set = pcall('HSETNX', state, 'cancelled', v(1))
  if not well(set) then return '-' end
  if set == 0 then return 'x' end
  local lives = pcall('TTL', state)
  if well(lives) and well(pcall('HSETNX', state, 'c', 'null')) and well(pcall('HSETNX', state, 'ex', 0))
    and well(pcall('HSETNX', state, 'rt', 0)) and (lives >= 0 or well(pcall('EXPIRE', state, 2592000))) then
    return '1'
  end
  return undone(1, 'HDEL', state, 'cancelled')
end}

-- SetPaused: paused, whether; name
items.H = {2, 1, one = function()
  local changed = pcall(h(2) == '1' and 'SADD' or 'SREM', k(1), v(1))
  if not well(changed) then return '-' end
  if changed == 1 then return '1' end
  return h(2) == '1' and 'x' or '0'
end}

-- ResetCounter to 0: counter; known
items.c = {1, 1, one = function()
  local count = pcall('GET', k(1))
  if not well(count) then return '-' end
  if (count or '0') ~= v(1) then return '0' end
  return well(pcall('SET', k(1), 0)) and '1' or '-'
end}

-- ResetCounter, given back: counter; add
items.a = {1, 1, one = function()
  return well(pcall('INCRBY', k(1), v(1))) and '1' or '-'
end}

-- DeleteProfile: profiles, profile; member. Only what is a profile: the member could name any key.
items.X = {2, 1, one = function()
  local listed = pcall('ZSCORE', k(1), v(1))
  if not well(listed) then return '-' end
  if not listed then return '0' end
  local there = pcall('EXISTS', k(2))
  local profile = pcall('HEXISTS', k(2), 'data')
  if not well(there) or not well(profile) then return '-' end
  if there == 1 and profile == 0 then return '0' end
  if not well(pcall('UNLINK', k(2))) or not well(pcall('ZREM', k(1), v(1))) then return '-' end
  return '1'
end}
