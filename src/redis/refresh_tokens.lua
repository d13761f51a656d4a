
-- Keeps families of refresh tokens.
--
-- Fields: r (the record), g (its generation), e (until when it is kept, in milliseconds), x (when and why it was revoked, if it was).
-- The set of a subject is sorted by login. Nothing here looks at a clock: how long a key lives is said by who asks.
--
--   insert   KEYS family, subject  ARGV member r g e rest digest created lifetime most x
--   replace  KEYS family           ARGV expected r g e rest
--   end      KEYS family           ARGV x
--   end_all  KEYS subject          ARGV x, the member that goes on, or nothing

-- Of the families of a subject those that go on and those that were revoked; those that are over at a date are gone.
local function sorted(subject, now)
  local going, ended = {}, {}
  for _, member in ipairs(alive(subject)) do
    local family = redis.call('HMGET', records .. member, 'x', 'e')
    if tonumber(family[2]) <= now then
      remove(records .. member, member)
    elseif family[1] then
      ended[#ended + 1] = member
    else
      going[#going + 1] = member
    end
  end
  return going, ended
end

if command == 'insert' then
  local revoked, most = {}, tonumber(ARGV[12])
  local going, ended = sorted(KEYS[2], tonumber(ARGV[10]))
  for i = 1, #ended - most do remove(records .. ended[i], ended[i]) end
  for i = 1, #going + 1 - most do
    redis.call('HSET', records .. going[i], 'x', ARGV[13])
    revoked[#revoked + 1] = going[i]
  end
  redis.call('HSET', KEYS[1], 'r', ARGV[5], 'g', ARGV[6], 'e', ARGV[7], 's', ARGV[9])
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
  redis.call('ZADD', KEYS[2], ARGV[10], ARGV[4])
  outlive(KEYS[2], ARGV[11])
  return revoked
end

if command == 'replace' then
  local family = redis.call('HMGET', KEYS[1], 'g', 'r', 'x', 's')
  if not family[2] then return {} end
  if family[1] ~= ARGV[4] or family[3] then return {family[2], family[3] or ''} end
  redis.call('HSET', KEYS[1], 'r', ARGV[5], 'g', ARGV[6], 'e', ARGV[7])
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
  outlive(subjects .. family[4], ARGV[8])
  return {''}
end

if command == 'end' then
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  return redis.call('HSETNX', KEYS[1], 'x', ARGV[4])
end

if command == 'end_all' then
  local revoked = {}
  for _, member in ipairs(alive(KEYS[1])) do
    if member ~= ARGV[5] and redis.call('HSETNX', records .. member, 'x', ARGV[4]) == 1 then
      revoked[#revoked + 1] = member
    end
  end
  return revoked
end

return redis.error_reply('ERR unknown command ' .. command)
