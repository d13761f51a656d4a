-- Keeps revocations: a text for each, of the first second whose tokens are good, or `all`, whose none are. Nothing here looks at a
-- clock: how long a key lives is said by who revokes.
--
-- KEYS: the revocation. ARGV: three that other scripts have, since when tokens are good, the rest in milliseconds.
local from, rest = ARGV[4], tonumber(ARGV[5])
local known = redis.call('GET', KEYS[1])

-- Nothing takes a revocation back.
if known and (known == 'all' or (from ~= 'all' and tonumber(known) > tonumber(from))) then from = known end

local left = redis.call('PTTL', KEYS[1])
if known and (left == -1 or left > rest) then
  redis.call('SET', KEYS[1], from, 'KEEPTTL')
else
  redis.call('SET', KEYS[1], from, 'PX', ARGV[5])
end
return 1
