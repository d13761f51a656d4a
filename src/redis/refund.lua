-- Takes back charges.
--
-- KEYS: the counters. ARGV: for each counter
--   g reached amount       a bucket: what the charge had left it at, and how much the charge was, in microseconds
--   l reached cost decay   a ladder: the end of the delay that the charge began, its rungs, microseconds per rung
-- Answers how many counters it changed.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local changed = 0
local at = 1

local function write(key, value, last)
  changed = changed + 1
  if last <= now then
    redis.call('DEL', key)
  else
    redis.call('SET', key, value, 'PX', string.format('%.0f', math.ceil((last - now) / 1000)))
  end
end

for _, key in ipairs(KEYS) do
  local stored = redis.pcall('GET', key)
  if type(stored) ~= 'string' then stored = '' end
  if ARGV[at] == 'l' then
    local reached, cost, decay = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    at = at + 4
    local next, rung = string.match(stored, '^(%d+):(%d+)$')
    if next and #next <= 16 and #rung <= 3 then
      next, rung = tonumber(next), math.max(0, tonumber(rung) - cost)
      -- The delay is taken back if no later charge has begun another.
      if next == reached then next = math.min(next, now) end
      local last = next + rung * decay
      if rung == 0 then last = next end
      write(key, string.format('%.0f:%d', next, rung), last)
    end
  else
    local reached, amount = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    at = at + 3
    -- What has come back by itself meanwhile is not given back once more.
    local back = math.min(amount, reached - now)
    if back > 0 and #stored <= 16 and string.match(stored, '^%d+$') then
      local full = tonumber(stored) - back
      write(key, string.format('%.0f', full), full)
    end
  end
end
return changed
