-- Takes back charges.
--
-- KEYS: the counters. ARGV: for each counter
--   g reached amount                           a bucket: when it was to be full again after the charge, and how much of that it was
--   l opens rung opened_before rung_before     a ladder: what the charge had written, and what stood there before; 0: nothing
-- Answers how many counters it changed.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local changed = 0
local at = 1

for _, key in ipairs(KEYS) do
  local stored = redis.pcall('GET', key)
  if type(stored) ~= 'string' then stored = '' end
  if ARGV[at] == 'l' then
    local reached = ARGV[at + 1] .. ':' .. ARGV[at + 2]
    local before = ARGV[at + 3] .. ':' .. ARGV[at + 4]
    local raised = math.max(1, tonumber(ARGV[at + 2]) - tonumber(ARGV[at + 4]))
    at = at + 5
    local opens, rung = string.match(stored, '^(%d+):(%d+)$')
    if stored == reached and before == '0:0' then
      redis.call('DEL', key)
      changed = changed + 1
    elseif stored == reached then
      redis.call('SET', key, before, 'KEEPTTL')
      changed = changed + 1
    elseif opens and #rung <= 3 then
      -- Others were charged since. They keep their delay and lose the rung.
      redis.call('SET', key, string.format('%s:%d', opens, math.max(0, tonumber(rung) - raised)), 'KEEPTTL')
      changed = changed + 1
    end
  else
    local reached, amount = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    at = at + 3
    -- What has come back by itself meanwhile is not given back once more.
    local back = math.min(amount, reached - now)
    if back > 0 and #stored <= 16 and string.match(stored, '^%d+$') then
      local full = tonumber(stored) - back
      if full <= now then
        redis.call('DEL', key)
      else
        redis.call('SET', key, string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000)))
      end
      changed = changed + 1
    end
  end
end
return changed
