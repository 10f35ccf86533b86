#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Looks which of some commands this user may not run, on the keys that they name; runs none of them.
-- ARGV  for each command: number of its words, these
-- Gives the numbers of those refused, counted from 0.
local refused = {}
local at, number = 1, 0
while at <= #ARGV do
  local width = tonumber(ARGV[at])
  if not redis.acl_check_cmd(unpack(ARGV, at + 1, at + width)) then refused[#refused + 1] = number end
  at, number = at + 1 + width, number + 1
end
return refused
