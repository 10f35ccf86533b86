#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Counts records that somebody removed from a stream before their end, and that nobody can end any more.
-- KEYS  1: stream; 2: counter of lost records
-- ARGV  1: group; then their ids
redis.call('XACK', KEYS[1], unpack(ARGV))
-- What is no counter starts anew.
local lost = #ARGV - 1
if type(redis.pcall('INCRBY', KEYS[2], lost)) ~= 'number' then redis.call('SET', KEYS[2], lost) end
return lost
