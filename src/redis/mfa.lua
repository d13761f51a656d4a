-- Keeps second factors of users, and their attempts.
--
-- A user has up to three keys. Secrets are a hash: c (the confirmed one), l (the last step that a code of it was accepted for), p (the one
-- that waits to be confirmed). Recovery codes are a set of digests. Attempts are a list of times in milliseconds, the latest 20. Nothing
-- here looks at a clock: what time it is, and how long attempts count, is said by who asks.
--
-- ARGV: what to do, two prefixes that are not used here, then
--   enrol   KEYS secrets   ARGV secret
--   confirm KEYS secrets   ARGV id step
--   consume KEYS secrets   ARGV id step
--   delete  KEYS secrets
--   replace KEYS codes     ARGV digest ..
--   take    KEYS codes     ARGV digest ..          how many are left and 1, or 0
--   left    KEYS codes
--   begin   KEYS attempts  ARGV now most window    whether it may, and how many came before or how long to wait
--   reset   KEYS attempts
local command, key = ARGV[1], KEYS[1]
local MOST = 20

-- The id stands behind the version, the hash and the number of digits.
local function is_of(secret, id)
  return secret and string.sub(secret, 4, 19) == id
end

if command == 'enrol' then
  redis.call('HSET', key, 'p', ARGV[4])
  return 1
end

if command == 'confirm' then
  local pending = redis.call('HGET', key, 'p')
  if not is_of(pending, ARGV[4]) then return 0 end
  redis.call('HSET', key, 'c', pending, 'l', ARGV[5])
  redis.call('HDEL', key, 'p')
  return 1
end

if command == 'consume' then
  local found = redis.call('HMGET', key, 'c', 'l')
  if not is_of(found[1], ARGV[4]) then return 0 end
  local last = tonumber(found[2])
  if not last then return redis.error_reply('CORRUPT a secret without its last step') end
  if last >= tonumber(ARGV[5]) then return 0 end
  redis.call('HSET', key, 'l', ARGV[5])
  return 1
end

if command == 'delete' or command == 'reset' then
  return redis.call('DEL', key)
end

if command == 'replace' then
  redis.call('DEL', key)
  for i = 4, #ARGV do redis.call('SADD', key, ARGV[i]) end
  return 1
end

if command == 'take' then
  for i = 4, #ARGV do
    if redis.call('SREM', key, ARGV[i]) == 1 then return redis.call('SCARD', key) + 1 end
  end
  return 0
end

if command == 'left' then
  return redis.call('SCARD', key)
end

if command == 'begin' then
  local now, most, window = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local times, future, charged = {}, false, 0
  for _, text in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local time = tonumber(text)
    if not time then return redis.error_reply('CORRUPT an attempt without its time') end
    -- By a clock that was set back since, or that of another node.
    if time > now then
      time, future = now, true
    end
    times[#times + 1] = time
  end
  table.sort(times)
  for _, time in ipairs(times) do
    if now - time < window then charged = charged + 1 end
  end
  local is_allowed = charged < most
  local answer = charged
  if is_allowed then
    times[#times + 1] = now
  else
    answer = window - (now - times[#times + 1 - most])
  end
  if is_allowed or future then
    local rest = math.max(redis.call('PTTL', key), is_allowed and window or 0)
    redis.call('DEL', key)
    for i = math.max(1, #times + 1 - MOST), #times do
      redis.call('RPUSH', key, string.format('%.0f', times[i]))
    end
    redis.call('PEXPIRE', key, rest)
  end
  return {is_allowed and 1 or 0, answer}
end

return redis.error_reply('ERR unknown command ' .. command)
