#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Puts dead letters back where they came from, as new records with their whole time before them. Nobody waits for them
-- any more, so their results are kept.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: counter of waiting bytes; 5: stream of dead letters
-- ARGV  ids of dead letters
-- Gives for each 1: put back; 0: there is none of this id, or it came from elsewhere.
local SAID = { from = true, id = true, reason = true, deliveries = true, reply = true, keep = true }
local revived = {}
local records, added = 0, 0
for stream = 1, 3 do records = records + redis.call('XLEN', KEYS[stream]) end
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', KEYS[5], id, id)[1]
  local fields, from, size, counts = {}, nil, 0, false
  for index = 1, entry and #entry[2] or 0, 2 do
    local name, value = entry[2][index], entry[2][index + 1]
    if name == 'from' then from = value end
    if name == 'data' then size = #value end
    if name == 'budget' then counts = true end
    if not SAID[name] then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  local done = 0
  for stream = 1, 3 do
    if from == KEYS[stream] and done == 0 then
      fields[#fields + 1] = 'keep'
      fields[#fields + 1] = '1'
      redis.call('XADD', from, '*', unpack(fields))
      redis.call('XDEL', KEYS[5], id)
      -- Records of older clients count for nothing.
      if counts then added = added + size end
      done = 1
    end
  end
  revived[#revived + 1] = done
end
local waiting = records > 0 and tonumber(redis.pcall('GET', KEYS[4])) or 0
redis.call('SET', KEYS[4], waiting + added)
return revived
