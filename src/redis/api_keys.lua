-- Keeps API keys.
--
-- Fields: r (what does not change), c (the digest of its secret), p and u (that of the secret before, and until when it is accepted).
-- The set of a subject is sorted by when they were issued.
--
--   create  KEYS key, subject  ARGV id r c digest created rest, or nothing if it does not expire
--   rotate  KEYS key           ARGV c u

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

return redis.error_reply('ERR unknown command ' .. command)
