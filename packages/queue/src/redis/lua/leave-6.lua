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
local left = 0
for stream = 1, 3 do
  local pending = redis.call('XPENDING', KEYS[stream], ARGV[1], '-', '+', MOST, ARGV[2])
  for _, entry in ipairs(pending) do
    local claimed = redis.call('XCLAIM', KEYS[stream], ARGV[1], ARGV[2], 0, entry[1], 'TIME', 0, 'JUSTID')
    -- Claiming forgets what somebody removed from the stream.
    if #claimed == 0 then redis.call('INCRBY', KEYS[5], 1) end
    left = left + #claimed
  end
  if #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[stream], ARGV[1], ARGV[2]) end
end
redis.call('ZREM', KEYS[4], ARGV[2])
if left > 0 then redis.call('INCRBY', KEYS[6], 1) end
return left
