#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Ends records: result, expiry, acknowledgement and removal in one step. Who acknowledges first has the say: a second
-- end of the same record changes nothing. Runs in a full Redis too, since it is what makes room.
-- KEYS  1 to 3: streams of priority high, normal, low; 4: counter of waiting bytes; 5: stream of dead letters;
--       6: counter of dead letters that were dropped
--       then for each record: hash of its result, stream of its answer (the same key twice where one is not used)
-- ARGV  1: group; 2: life of a result in ms; 3: life of an idle answer stream in ms; 4: most dead letters kept
--       then for each record: stream (1 to 3), id, bytes it counts for, where to (hash, reply, both), uri, value,
--       reason ('' for a result, else the record becomes a dead letter), times it was delivered,
--       what its run took ('' where nothing is told), which an answer stream passes on
-- Gives for each record 1: ended now; 0: had been ended before; an error: it is not ended, and still pending.
-- Then the number of dead letters dropped for newer ones.
local MOST_VALUES = 128
local ended = {}
local replies = {}
local freed = 0
local dropped = 0

-- Writes in place of what is of another type: whoever may write a key may put anything there, and no record shall be
-- lost over it.
local function write(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' then return end
  -- Removes the key: the right to do more is not needed.
  if string.find(answer.err, '^WRONGTYPE') then redis.call('PEXPIRE', key, 0) end
  redis.call(command, key, ...)
end

local function answer(at, key)
  local where, uri, value, run = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 8]
  if where ~= 'reply' then
    write('HSET', KEYS[key], 'value', value)
    redis.call('PEXPIRE', KEYS[key], ARGV[2])
  end
  if where == 'hash' then return end
  -- Beside a kept result, the answer only says that it is there.
  if where == 'both' then value = '' end
  if run == '' then
    write('XADD', KEYS[key + 1], '*', 'uri', uri, 'value', value)
  else
    write('XADD', KEYS[key + 1], '*', 'uri', uri, 'value', value, 'run', run)
  end
  replies[KEYS[key + 1]] = true
end

local function bury(stream, id, reason, deliveries)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  local fields = entry and entry[2] or {}
  -- Of an entry that somebody else wrote: more than can be passed on at once, and than any record has.
  for index = #fields, MOST_VALUES + 1, -1 do fields[index] = nil end
  for _, field in ipairs({ 'from', stream, 'id', id, 'reason', reason, 'deliveries', deliveries }) do
    fields[#fields + 1] = field
  end
  -- Counted, so that XADD has nothing to trim. A user from before this step may not: then XADD does it unseen.
  local cut = redis.pcall('XTRIM', KEYS[5], 'MAXLEN', '~', math.max(0, ARGV[4] - 1))
  if type(cut) == 'number' then dropped = dropped + cut end
  write('XADD', KEYS[5], 'MAXLEN', '~', ARGV[4], '*', unpack(fields))
end

-- Acknowledged last: what could not be written is still pending.
local function finish(at, key)
  local stream, id, reason = KEYS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 6]
  local pending = redis.pcall('XPENDING', stream, ARGV[1], id, id, 1)
  if pending.err and not string.find(pending.err, '^NOGROUP') then error(pending) end
  if #pending == 0 then return 0 end
  answer(at, key)
  if reason ~= '' then bury(stream, id, reason, ARGV[at + 7]) end
  redis.call('XACK', stream, ARGV[1], id)
  redis.call('XDEL', stream, id)
  freed = freed + ARGV[at + 2]
  return 1
end

local key = 7
for at = 5, #ARGV, 9 do
  -- What stands in the way of one record is that record's alone.
  local isDone, done = pcall(finish, at, key)
  ended[#ended + 1] = isDone and done or { err = done.err or done }
  key = key + 2
end
for reply in pairs(replies) do redis.call('PEXPIRE', reply, ARGV[3]) end
if freed > 0 then
  -- What is no counter, or would fall below nothing, starts anew.
  local left = redis.pcall('DECRBY', KEYS[4], freed)
  if type(left) ~= 'number' or left < 0 then redis.call('SET', KEYS[4], 0) end
end
if dropped > 0 and type(redis.pcall('INCRBY', KEYS[6], dropped)) ~= 'number' then redis.call('SET', KEYS[6], dropped) end
ended[#ended + 1] = dropped
return ended
