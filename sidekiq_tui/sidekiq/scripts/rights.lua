-- Which commands this user may not run, without running one (Redis 7.0 and later; before, nil).
-- ARGV: of each command how many words, and the words. Returns the numbers of those refused.
if not redis.acl_check_cmd then return false end
local refused, at, number = {}, 1, 0
while ARGV[at] do
  local words = tonumber(ARGV[at])
  local command = {}
  for one = 1, words do command[one] = ARGV[at + one] end
  number = number + 1
  local asked, may = pcall(redis.acl_check_cmd, unpack(command))
  if not (asked and may) then refused[#refused + 1] = number end
  at = at + words + 1
end
return refused
