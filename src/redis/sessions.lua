-- Keeps sessions.
--
-- Fields: r (what does not change), t and e (when it was seen, and until when it is kept, in milliseconds). The set of a subject is
-- sorted by login. Nothing here looks at a clock: how long a key lives is said by who asks.
--
--   create  KEYS session, subject  ARGV member r t e rest digest created lifetime most
--   touch   KEYS session           ARGV t e rest
--   rotate  KEYS old, new, subject ARGV old member, member r t e rest digest created lifetime

local function keep(key, subject, at, score)
  redis.call('HSET', key, 'r', ARGV[at + 1], 't', ARGV[at + 2], 'e', ARGV[at + 3], 's', ARGV[at + 5])
  redis.call('PEXPIRE', key, ARGV[at + 4])
  redis.call('ZADD', subject, score or ARGV[at + 6], ARGV[at])
  -- No session lasts longer than one that begins now.
  outlive(subject, ARGV[at + 7])
end

if command == 'create' then
  local found = alive(KEYS[2])
  for i = 1, #found + 1 - tonumber(ARGV[12]) do remove(records .. found[i], found[i]) end
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

return redis.error_reply('ERR unknown command ' .. command)
