-- Keeps API keys, and which of them belong to a subject.
--
-- A key is a hash: r (what does not change), c (the digest of its secret), p and u (that of the secret before, and until when it is
-- accepted), s (the digest of its subject). The keys of a subject are a set sorted by when they were issued.
--
-- ARGV: what to do, what the names of keys begin with, what those of subjects begin with, then
--   create  KEYS key, subject  ARGV id r c digest created rest, or nothing if it does not expire
--   rotate  KEYS key           ARGV c u
--   revoke  KEYS key           ARGV id
--   forget  KEYS subject
--   list    KEYS subject
local command, keys, subjects = ARGV[1], ARGV[2], ARGV[3]

local function remove(key, id)
  local digest = redis.call('HGET', key, 's')
  if not digest then return false end
  redis.call('DEL', key)
  redis.call('ZREM', subjects .. digest, id)
  return true
end

-- The keys of a subject that are there. Those that have expired since are forgotten.
local function alive(subject)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', subject, 0, -1)) do
    if redis.call('EXISTS', keys .. id) == 1 then
      found[#found + 1] = id
    else
      redis.call('ZREM', subject, id)
    end
  end
  return found
end

if command == 'create' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
  redis.call('HSET', KEYS[1], 'r', ARGV[5], 'c', ARGV[6], 's', ARGV[7])
  if ARGV[9] then redis.call('PEXPIRE', KEYS[1], ARGV[9]) end
  alive(KEYS[2])
  redis.call('ZADD', KEYS[2], ARGV[8], ARGV[4])
  return 1
end

if command == 'rotate' then
  local current = redis.call('HGET', KEYS[1], 'c')
  if not current then return 0 end
  redis.call('HSET', KEYS[1], 'c', ARGV[4], 'p', current, 'u', ARGV[5])
  return 1
end

if command == 'revoke' then
  if remove(KEYS[1], ARGV[4]) then return 1 end
  return 0
end

if command == 'forget' then
  local removed = 0
  for _, id in ipairs(alive(KEYS[1])) do
    if remove(keys .. id, id) then removed = removed + 1 end
  end
  return removed
end

if command == 'list' then
  local answer = {}
  for _, id in ipairs(alive(KEYS[1])) do
    local key = redis.call('HMGET', keys .. id, 'r', 'c', 'p', 'u')
    for _, value in ipairs({key[1], key[2], key[3] or '', key[4] or ''}) do answer[#answer + 1] = value end
  end
  return answer
end

return redis.error_reply('ERR unknown command ' .. command)
