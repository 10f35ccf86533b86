#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Reads orders, the oldest first, and of each no more than an order can be: whoever may write there may write anything.
-- KEYS  1: orders
-- ARGV  1: id where to begin; 2: most orders; 3: most bytes of one
-- Gives a list of { id, fields and values }; nothing in their place for an order that is larger. A key of another type
-- orders nothing, and keeps no engine from its records.
local entries = redis.pcall('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
if entries.err then return string.find(entries.err, '^WRONGTYPE') and {} or entries end
local read = {}
for at, entry in ipairs(entries) do
  -- A text takes room of its own, too.
  local bytes = 8 * #entry[2]
  for _, text in ipairs(entry[2]) do bytes = bytes + #text end
  read[at] = { entry[1], bytes <= tonumber(ARGV[3]) and entry[2] }
end
return read
