-- Tells of bans, and answers what has changed.
--
-- KEYS: bans (a set sorted by their end in milliseconds), changes (sorted by version), the version.
-- ARGV: the version that the node knows, bans at most, answers at most, then for each ban that the node tells of: member, its
-- rest in milliseconds, 0 if it was lifted.
-- Answers the version that the node knows now, 1 if there is more, then member and rest of each ban that has changed.
local bans, changes, counter = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known, most, batch = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- The counter alone may have been evicted. Begun anew below the changes, they would be told again and again.
local newest = redis.call('ZRANGE', changes, -1, -1, 'WITHSCORES')[2]
local version = tonumber(redis.call('GET', counter) or newest or '0')

local function text(number)
  return string.format('%.0f', number)
end

local function drop(members)
  for _, member in ipairs(members) do
    redis.call('ZREM', bans, member)
    redis.call('ZREM', changes, member)
  end
end

if #ARGV > 3 then
  -- A server that has forgotten everything begins above any version that it can have told before.
  if version == 0 then version = time[1] * 1000000 + time[2] end
  for i = 4, #ARGV, 2 do
    local member, rest = ARGV[i], tonumber(ARGV[i + 1])
    version = version + 1
    redis.call('ZADD', changes, text(version), member)
    if rest > 0 then
      -- Of two nodes' bans the longer one holds.
      redis.call('ZADD', bans, 'GT', text(now + rest), member)
    else
      redis.call('ZREM', bans, member)
    end
  end
  drop(redis.call('ZRANGEBYSCORE', bans, '-inf', text(now), 'LIMIT', 0, 1000))
  local excess = redis.call('ZCARD', bans) - most
  if excess > 0 then drop(redis.call('ZRANGE', bans, 0, excess - 1)) end
  excess = redis.call('ZCARD', changes) - 2 * most
  if excess > 0 then redis.call('ZREMRANGEBYRANK', changes, 0, excess - 1) end
  -- A day longer than the last ban: until then a node that was away hears what was lifted.
  local last = tonumber(redis.call('ZRANGE', bans, -1, -1, 'WITHSCORES')[2] or now)
  local rest = text(math.max(0, last - now) + 86400000)
  redis.call('SET', counter, text(version), 'PX', rest)
  redis.call('PEXPIRE', bans, rest)
  redis.call('PEXPIRE', changes, rest)
end

if version == known then return {version, 0} end
if version < known then known = 0 end
local rows = redis.call('ZRANGEBYSCORE', changes, '(' .. text(known), '+inf', 'WITHSCORES', 'LIMIT', 0, batch)
local more = 0
if #rows == 2 * batch then
  more = 1
  version = tonumber(rows[#rows])
end
local answer = {version, more}
for i = 1, #rows, 2 do
  local ends = redis.call('ZSCORE', bans, rows[i])
  answer[#answer + 1] = rows[i]
  answer[#answer + 1] = math.max(0, (tonumber(ends or '0')) - now)
end
return answer
