-- Keeps sessions, and which of them belong to a subject.
--
-- A session is a hash: r (what does not change), t and e (when it was seen, and until when it is kept, in milliseconds), s (the
-- digest of its subject). The sessions of a subject are a set sorted by their login. Nothing here looks at a clock: how long a key
-- lives is said by who asks.
--
-- ARGV: what to do, what the names of sessions begin with, what those of subjects begin with, then
--   create  KEYS session, subject  ARGV member r t e rest digest created lifetime most
--   touch   KEYS session           ARGV t e rest
--   rotate  KEYS old, new, subject ARGV old member, member r t e rest digest created lifetime
--   revoke  KEYS session           ARGV member
--   forget  KEYS subject           ARGV the member that stays, or nothing
--   list    KEYS subject
local command, sessions, subjects = ARGV[1], ARGV[2], ARGV[3]

-- What lists sessions is there for as long as any of them: by the clock of one node a session may last longer than by that of another.
local function outlive(subject, rest)
  if redis.call('PTTL', subject) < tonumber(rest) then redis.call('PEXPIRE', subject, rest) end
end

local function keep(key, subject, at, score)
  redis.call('HSET', key, 'r', ARGV[at + 1], 't', ARGV[at + 2], 'e', ARGV[at + 3], 's', ARGV[at + 5])
  redis.call('PEXPIRE', key, ARGV[at + 4])
  redis.call('ZADD', subject, score or ARGV[at + 6], ARGV[at])
  -- No session lasts longer than one that begins now.
  outlive(subject, ARGV[at + 7])
end

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
    if redis.call('EXISTS', sessions .. member) == 1 then
      found[#found + 1] = member
    else
      redis.call('ZREM', subject, member)
    end
  end
  return found
end

if command == 'create' then
  local found = alive(KEYS[2])
  for i = 1, #found + 1 - tonumber(ARGV[12]) do remove(sessions .. found[i], found[i]) end
  keep(KEYS[1], KEYS[2], 4)
  return 1
end

if command == 'touch' then
  local seen = redis.call('HGET', KEYS[1], 't')
  if not seen then return 0 end
  -- A request that was overtaken by a later one.
  if tonumber(seen) < tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[1], 't', ARGV[4], 'e', ARGV[5])
    redis.call('PEXPIRE', KEYS[1], ARGV[6])
    outlive(subjects .. redis.call('HGET', KEYS[1], 's'), ARGV[6])
  end
  return 1
end

if command == 'rotate' then
  local digest, score = remove(KEYS[1], ARGV[4])
  if not digest then return 0 end
  if digest ~= ARGV[10] then score = nil end
  keep(KEYS[2], KEYS[3], 5, score)
  return 1
end

if command == 'revoke' then
  if remove(KEYS[1], ARGV[4]) then return 1 end
  return 0
end

if command == 'forget' then
  local removed = 0
  for _, member in ipairs(alive(KEYS[1])) do
    if member ~= ARGV[4] and remove(sessions .. member, member) then removed = removed + 1 end
  end
  return removed
end

if command == 'list' then
  local answer = {}
  for _, member in ipairs(alive(KEYS[1])) do
    local session = redis.call('HMGET', sessions .. member, 'r', 't', 'e')
    for _, value in ipairs({member, session[1], session[2], session[3]}) do answer[#answer + 1] = value end
  end
  return answer
end

return redis.error_reply('ERR unknown command ' .. command)
