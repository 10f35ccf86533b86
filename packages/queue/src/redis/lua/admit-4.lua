#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Takes records in while there is room: the look at the limits and the entry are one step.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: counter of waiting bytes
-- ARGV  1: most records in all streams together; 2: most bytes
--       then for each record: stream (1 to 3), bytes it counts for, number of fields and values, these
-- Gives for each record the id of its entry, '' when there was no room for it, or why its stream takes none.
local records, bytes = 0, 0
-- Where a key of another type stands in the way of one stream, the others go on.
for stream = 1, 3 do records = records + (tonumber(redis.pcall('XLEN', KEYS[stream])) or 0) end
-- An empty queue waits for nothing: a counter that went wrong starts anew.
if records > 0 then bytes = tonumber(redis.pcall('GET', KEYS[4])) or 0 end
local ids = {}
local at = 3
while at <= #ARGV do
  local size, width = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if records < tonumber(ARGV[1]) and bytes + size <= tonumber(ARGV[2]) then
    local id = redis.pcall('XADD', KEYS[tonumber(ARGV[at])], '*', unpack(ARGV, at + 3, at + 2 + width))
    if type(id) == 'string' then records, bytes = records + 1, bytes + size end
    ids[#ids + 1] = id
  else
    ids[#ids + 1] = ''
  end
  at = at + 3 + width
end
redis.call('SET', KEYS[4], bytes)
return ids
