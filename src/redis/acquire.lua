-- Charges all counters of a call, or none.
--
-- KEYS: the counters. ARGV: how many times the charge is needed at least, how many times it is wanted at most, then for each counter
--   g T W cost              a bucket: microseconds per unit, microseconds to fill it, units per charge
--   o T W cost              the same, charged even if it does not fit
--   l free first longest decay cost    a ladder: delays in microseconds
-- Answers how many times it was granted, the time, and for each counter how it stood before:
--   g, o: microseconds until the bucket is full again, 0
--   l: microseconds until the next charge is allowed, rung
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local need, want = tonumber(ARGV[1]), tonumber(ARGV[2])
local granted = want
local answer = {0, now}
local after = {}
local at = 3

local function corrupt(key)
  return redis.error_reply('CORRUPT counter ' .. key .. ' does not hold what this rule writes')
end

-- '%.0f': tostring keeps 14 digits, and microseconds since 1970 need 16. The time to live rounds up: 0 is an error, and a counter
-- that vanished early would be a fresh one.
local function write(key, value, last)
  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, math.ceil((last - now) / 1000))))
end

for i, key in ipairs(KEYS) do
  local rule = ARGV[at]
  local stored = redis.pcall('GET', key)
  if type(stored) == 'table' then return corrupt(key) end
  if rule == 'l' then
    local free, first, longest = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local decay, cost = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    at = at + 6
    local next, rung = now, 0
    if stored then
      next, rung = string.match(stored, '^(%d+):(%d+)$')
      if not next or #next > 16 or #rung > 3 then return corrupt(key) end
      next, rung = tonumber(next), tonumber(rung)
      -- Only a clock that was set back, or a shorter delay than before, can have put it farther off.
      next = math.min(next, now + longest)
      rung = math.max(0, rung - math.floor(math.max(0, now - next) / decay))
    end
    answer[#answer + 1] = math.max(0, next - now)
    answer[#answer + 1] = rung
    if next > now then granted = 0 end
    if cost > 0 then
      local climbed = math.min(255, rung + cost)
      local delay = 0
      if climbed >= free then delay = math.min(longest, first * 2 ^ (climbed - free)) end
      after[i] = function()
        local reached = now + delay
        write(key, string.format('%.0f:%d', reached, climbed), reached + climbed * decay)
      end
    end
  else
    local interval, window, cost = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    at = at + 4
    local full = now
    if stored then
      if #stored > 16 or not string.match(stored, '^%d+$') then return corrupt(key) end
      full = math.max(now, tonumber(stored))
    end
    -- A lower quota than before, or a clock that was set back: nobody owes more than what may be overdrawn.
    local latest = now + 2 * window
    if full > latest then
      full = latest
      write(key, string.format('%.0f', full), full)
    end
    answer[#answer + 1] = full - now
    answer[#answer + 1] = 0
    local charge = cost * interval
    if rule == 'o' then
      after[i] = function()
        local reached = math.min(full + charge, latest)
        write(key, string.format('%.0f', reached), reached)
      end
    else
      local room = now + window - full
      if charge > 0 then
        granted = math.min(granted, math.floor(room / charge))
        after[i] = function()
          local reached = full + granted * charge
          write(key, string.format('%.0f', reached), reached)
        end
      elseif room < 0 then
        granted = 0
      end
    end
  end
end

if granted < need then return answer end
answer[1] = granted
for _, book in pairs(after) do book() end
return answer
