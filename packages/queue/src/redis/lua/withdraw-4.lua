#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Takes back records that nobody was given yet; their askers went away, or had waited long enough.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: counter of waiting bytes
-- ARGV  1: group; then for each record: stream (1 to 3), id, uri
-- Gives for each record 1: taken back; 0: given to an engine already, ended, or another's than the uri says.
local withdrawn = {}
local freed = 0
for at = 2, #ARGV, 3 do
  local stream, id = KEYS[tonumber(ARGV[at])], ARGV[at + 1]
  -- A key of another type has none.
  local entry = redis.pcall('XRANGE', stream, id, id)[1]
  local uri, size = nil, 0
  for index = 1, entry and #entry[2] or 0, 2 do
    if entry[2][index] == 'uri' then uri = entry[2][index + 1] end
    if entry[2][index] == 'data' then size = #entry[2][index + 1] end
  end
  local removed = 0
  if uri == ARGV[at + 2] then
    local pending = redis.pcall('XPENDING', stream, ARGV[1], id, id, 1)
    -- Without the group nobody can have been given anything.
    if pending.err or #pending == 0 then removed = redis.call('XDEL', stream, id) end
  end
  if removed == 1 then freed = freed + size end
  withdrawn[#withdrawn + 1] = removed
end
if freed > 0 then
  -- What is no counter, or would fall below nothing, starts anew.
  local left = redis.pcall('DECRBY', KEYS[4], freed)
  if type(left) ~= 'number' or left < 0 then redis.call('SET', KEYS[4], 0) end
end
return withdrawn
