-- What the scripts of sessions, API keys and refresh tokens have in common; the rest of each stands behind it in the same script.
--
-- A record is a hash; its field s is the digest of its subject. The records of a subject are a set, the oldest first.
--
-- ARGV: what to do, what the names of records begin with, what those of subjects begin with, then
--   revoke  KEYS record   ARGV member
--   forget  KEYS subject  ARGV the member that stays, or nothing
--   list    KEYS subject  ARGV the fields to answer with, behind the member
local command, records, subjects = ARGV[1], ARGV[2], ARGV[3]

local function remove(key, member)
  local digest = redis.call('HGET', key, 's')
  if not digest then return nil end
  redis.call('DEL', key)
  local subject = subjects .. digest
  local score = redis.call('ZSCORE', subject, member)
  redis.call('ZREM', subject, member)
  return digest, score
end

-- The members of a subject that are there. Those that have vanished since are forgotten.
local function alive(subject)
  local found = {}
  for _, member in ipairs(redis.call('ZRANGE', subject, 0, -1)) do
    if redis.call('EXISTS', records .. member) == 1 then
      found[#found + 1] = member
    else
      redis.call('ZREM', subject, member)
    end
  end
  return found
end

-- What lists records is there for as long as any of them: by the clock of one node one may last longer than by that of another.
local function outlive(subject, rest)
  if redis.call('PTTL', subject) < tonumber(rest) then redis.call('PEXPIRE', subject, rest) end
end

if command == 'revoke' then
  if remove(KEYS[1], ARGV[4]) then return 1 end
  return 0
end

if command == 'forget' then
  local removed = 0
  for _, member in ipairs(alive(KEYS[1])) do
    if member ~= ARGV[4] and remove(records .. member, member) then removed = removed + 1 end
  end
  return removed
end

if command == 'list' then
  local answer = {}
  for _, member in ipairs(alive(KEYS[1])) do
    answer[#answer + 1] = member
    for _, value in ipairs(redis.call('HMGET', records .. member, unpack(ARGV, 4))) do
      answer[#answer + 1] = value or ''
    end
  end
  return answer
end

