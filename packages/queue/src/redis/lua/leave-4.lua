#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A consumer leaves. Where it still holds records its name stays, since removing it would lose them.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: engines alive
-- ARGV  1: group; 2: consumer
-- Gives the number of streams where it still holds records.
local holding = 0
for stream = 1, 3 do
  if #redis.call('XPENDING', KEYS[stream], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then
    holding = holding + 1
  else
    redis.call('XGROUP', 'DELCONSUMER', KEYS[stream], ARGV[1], ARGV[2])
  end
end
redis.call('ZREM', KEYS[4], ARGV[2])
return holding
