#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Reads what engines say that they serve, and of each no more than it may say.
-- No KEYS: those of a script need the right to write, which gateways do not have.
-- ARGV  1: most bytes of one; then the key of what each serves
-- Gives a list: nothing for an engine that says nothing; one byte more than the most for one that says too much, and no
-- byte for one whose key holds something else.
local said = {}
for at = 2, #ARGV do
  local text = redis.pcall('GET', ARGV[at])
  if type(text) == 'table' then text = '' end
  said[at - 1] = text and string.sub(text, 1, ARGV[1] + 1)
end
return said
