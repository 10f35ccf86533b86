#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A consumer leaves, and gives back what it still holds: it counts as untouched for ever, so that the next one who looks for
-- abandoned records takes it, and engines are told to look. How often it was handed out stays as it is. Where it holds
-- records its name stays, since removing it would lose them.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: engines alive; 5: counter of lost records;
--       6: counter of consumers that left records
-- ARGV  1: group; 2: consumer
-- Gives the number of records given back.
local MOST = 1000000
local left, lost = 0, 0

-- What is no counter starts anew.
local function count(key, by)
  if by > 0 and type(redis.pcall('INCRBY', key, by)) ~= 'number' then redis.call('SET', key, by) end
end

for stream = 1, 3 do
  -- Without the group, or with a key of another type in its place, there is nothing to give back.
  local pending = redis.pcall('XPENDING', KEYS[stream], ARGV[1], '-', '+', MOST, ARGV[2])
  for _, entry in ipairs(pending) do
    local claimed = redis.call('XCLAIM', KEYS[stream], ARGV[1], ARGV[2], 0, entry[1], 'TIME', 0, 'JUSTID')
    -- Claiming forgets what somebody removed from the stream.
    if #claimed == 0 then lost = lost + 1 end
    left = left + #claimed
  end
  if #pending == 0 and not pending.err then redis.call('XGROUP', 'DELCONSUMER', KEYS[stream], ARGV[1], ARGV[2]) end
end
redis.pcall('ZREM', KEYS[4], ARGV[2])
count(KEYS[5], lost)
count(KEYS[6], math.min(left, 1))
return left
