-- Charges all counters of a call, or none.
--
-- KEYS: the counters. ARGV: how many times the charge is needed at least, how many times it is wanted at most, then for each counter
--   g interval window debt cost           a bucket: microseconds per unit, until it is full, that may be owed; units
--   o interval window debt cost           the same, charged even if it does not fit
--   l at_once first longest decay cost    a ladder: charges without a delay; delays and the quiet that takes a rung away
-- Answers how many times it was granted, the time, and for each counter how it stood before:
--   g, o: microseconds until the bucket is full again, 0
--   l: when the next charge is or was allowed, rung; 0, 0 if there is no counter
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local need, want = tonumber(ARGV[1]), tonumber(ARGV[2])
local granted = want
local answer = {0, now}
local bookings, cuts = {}, {}
local at = 3

local function corrupt(key)
  return redis.error_reply('CORRUPT counter ' .. key .. ' does not hold what this rule writes')
end

-- '%.0f': tostring keeps 14 digits, and microseconds since 1970 need 16. The time to live rounds up: 0 is an error, and a counter
-- that vanished early would be a fresh one.
local function write(key, value, last)
  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, math.ceil((last - now) / 1000))))
end

local function write_bucket(key, full)
  write(key, string.format('%.0f', full), full)
end

for i, key in ipairs(KEYS) do
  local rule = ARGV[at]
  local stored = redis.pcall('GET', key)
  if type(stored) == 'table' then return corrupt(key) end
  if rule == 'l' then
    local at_once, first, longest = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local decay, cost = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    at = at + 6
    local opens, rung = 0, 0
    if stored then
      opens, rung = string.match(stored, '^(%d+):(%d+)$')
      if not opens or #opens > 16 or #rung > 3 then return corrupt(key) end
      -- Only a clock that was set back, or a shorter delay than before, can have put it farther off.
      opens, rung = math.min(tonumber(opens), now + longest), tonumber(rung)
    end
    answer[#answer + 1] = opens
    answer[#answer + 1] = rung
    if cost > 0 then
      if opens > now then granted = 0 end
      local kept = math.max(0, rung - math.floor(math.max(0, now - opens) / decay))
      local climbed = math.min(255, kept + cost)
      local delay = 0
      if climbed >= at_once then delay = math.min(longest, first * 2 ^ (climbed - at_once)) end
      bookings[i] = function()
        local reached = now + delay
        write(key, string.format('%.0f:%d', reached, climbed), reached + climbed * decay)
      end
    end
  else
    local interval, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local debt, cost = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    at = at + 5
    local full = now
    if stored then
      if #stored > 16 or not string.match(stored, '^%d+$') then return corrupt(key) end
      full = math.max(now, tonumber(stored))
    end
    local most = 2 * window
    if rule == 'o' then debt = math.max(debt, most) end
    -- More than a second beyond what may be owed: the quota was higher, or the clock was set back. It is cut, so that who waits as
    -- long as he is told does not wait in vain.
    if full > now + debt + 1000000 then
      full = now + debt
      if cost > 0 then
        cuts[i] = function() write_bucket(key, full) end
      end
    end
    answer[#answer + 1] = full - now
    answer[#answer + 1] = 0
    local charge = cost * interval
    if charge > 0 and rule == 'o' then
      bookings[i] = function() write_bucket(key, math.max(full, math.min(full + charge, now + most))) end
    elseif charge > 0 then
      granted = math.min(granted, math.floor((now + window - full) / charge))
      bookings[i] = function() write_bucket(key, full + granted * charge) end
    end
  end
end

local writes = cuts
if granted >= need then
  answer[1] = granted
  writes = bookings
end
for _, book in pairs(writes) do book() end
return answer
