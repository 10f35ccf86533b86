#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Hands out records that nobody has yet, those of high priority first. Does not wait.
-- KEYS  1 to 3: streams of priority high, normal, low
-- ARGV  1: group; 2: consumer; 3: most records
-- Gives a list of { stream (1 to 3), id, fields and values }. Where a stream has no group, or another type, the others go
-- on; its error is given when there is nothing else.
local taken = {}
local trouble
for stream = 1, 3 do
  local room = tonumber(ARGV[3]) - #taken
  if room == 0 then break end
  local answer =
    redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', room, 'STREAMS', KEYS[stream], '>')
  if answer and answer.err then
    trouble = answer
  elseif answer then
    for _, entry in ipairs(answer[1][2]) do taken[#taken + 1] = { stream, entry[1], entry[2] } end
  end
end
if trouble and #taken == 0 then return trouble end
return taken
