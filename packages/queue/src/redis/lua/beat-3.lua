#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- An engine says that it is alive, and what it serves. In a full Redis as well, where engines are what makes room.
-- KEYS  1: engines alive; 2: what this one serves; 3: counter of consumers that left records
-- ARGV  1: its name; 2: ms after which engines are forgotten; 3: ms for which what it serves is believed;
--       4: what it serves; '' when that is as it said last
-- Gives Redis's clock, seconds and microseconds; 1: what it serves is there, 0: it is to be said again; and the counter.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- What is of another type goes: whoever put it there must not make engines seem dead.
local added = redis.pcall('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
if type(added) == 'table' then
  if string.find(added.err, '^WRONGTYPE') then redis.call('PEXPIRE', KEYS[1], 0) end
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]))
local isThere = 1
if ARGV[4] == '' then
  isThere = redis.call('PEXPIRE', KEYS[2], ARGV[3])
else
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
end
-- Engines may not read keys by GET. What is no counter starts anew.
local left = redis.pcall('INCRBY', KEYS[3], 0)
if type(left) ~= 'number' then
  left = 0
  redis.call('SET', KEYS[3], left)
end
return { time[1], time[2], isThere, left }
