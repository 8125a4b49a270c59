// What Redis does with the profiles of a shard in one step.
#pragma once

namespace zhida::store::lua {

// KEYS shard_state, ids, opted_out, opted_out_bits, preferences, untargeted_bits, no_grant, no_grant_bits,
// reserved; ARGV next offset, profile prefix, lineage, epoch field, epoch ('0': any), offset that must have
// been applied, then of each its bucket (keys::profile_bucket), id and packed form. That holds the ordinal in
// bytes 2..5 (little-endian): an existing subject keeps its own, one that the log knows gets what is reserved
// for it, a new one the next. Rows of offsets that were applied before change no profile: a newer one may
// stand there, and whoever writes them has lost the shard, or repeats itself. Where less was applied than the
// writer knows, Redis has lost its last writes: the events in between have to come again first.
inline constexpr const char* put_profiles = R"lua(
if ARGV[5] ~= '0' and redis.call('HGET', KEYS[1], ARGV[4]) ~= ARGV[5] then
  return redis.error_reply('FENCED epoch ' .. ARGV[5])
end
local applied = tonumber(redis.call('HGET', KEYS[1], 'profile_offset') or '0')
if applied < tonumber(ARGV[6]) then return redis.error_reply('FENCED behind ' .. ARGV[6]) end
local passed = tonumber(ARGV[1]) <= applied
local before = tonumber(redis.call('HGET', KEYS[1], 'subjects') or '0')
local anybody_out, anybody_chose = redis.call('EXISTS', KEYS[3]) == 1, redis.call('EXISTS', KEYS[5]) == 1
local anybody_refused, anybody_reserved = redis.call('EXISTS', KEYS[7]) == 1, redis.call('EXISTS', KEYS[9]) == 1
local ordinals, fresh = {}, {}
for i = 7, #ARGV, 3 do
  local key, id, packed = ARGV[2] .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local held = redis.call('HGET', key, id)
  local ordinal
  if held then ordinal = struct.unpack('<I4', held, 2)
  else
    local reserved = anybody_reserved and redis.call('HGET', KEYS[9], id)
    if reserved then
      ordinal = tonumber(reserved)
      redis.call('HDEL', KEYS[9], id)
    else
      ordinal = before + #fresh
      fresh[#fresh + 1] = id .. string.rep('\0', 24 - #id)
    end
    if anybody_out and redis.call('SISMEMBER', KEYS[3], id) == 1 then redis.call('SETBIT', KEYS[4], ordinal, 1) end
    if anybody_refused and redis.call('SISMEMBER', KEYS[7], id) == 1 then redis.call('SETBIT', KEYS[8], ordinal, 1) end
    local chosen = anybody_chose and redis.call('HGET', KEYS[5], id)
    if chosen and chosen:sub(2, 2) == 'u' then redis.call('SETBIT', KEYS[6], ordinal, 1) end
  end
  if not (held and passed) then
    redis.call('HSET', key, id, packed:sub(1, 1) .. struct.pack('<I4', ordinal) .. packed:sub(6))
  end
  ordinals[#ordinals + 1] = ordinal
end
if #fresh > 0 then
  local added, size = table.concat(fresh), (before + #fresh) * 24
  if size <= redis.call('STRLEN', KEYS[2]) then redis.call('SETRANGE', KEYS[2], before * 24, added)
  else -- with room for an eighth more: APPEND would double it
    local held = before > 0 and redis.call('GETRANGE', KEYS[2], 0, before * 24 - 1) or ''
    redis.call('SET', KEYS[2], held .. added .. string.rep('\0', math.floor(size / 192) * 24))
  end
  redis.call('HSET', KEYS[1], 'subjects', before + #fresh)
end
if not passed then
  redis.call('HSET', KEYS[1], 'profile_offset', ARGV[1])
  redis.call('HSETNX', KEYS[1], 'lineage', ARGV[3])
end
return ordinals
)lua";

// KEYS shard_state, ids, reserved; ARGV profile prefix, first ordinal, then buckets and ids: from the log.
// Gives '' or the ordinal that another subject has here.
inline constexpr const char* keep_numbers = R"lua(
local first, absent, bytes = tonumber(ARGV[2]), {}, {}
local until_here = first + (#ARGV - 2) / 2
local held = redis.call('GETRANGE', KEYS[2], first * 24, until_here * 24 - 1)
for i = 3, #ARGV, 2 do
  local id, nth = ARGV[i + 1], (i - 3) / 2
  local at = nth * 24
  local was = held:sub(at + 1, at + 24)
  local shall = id .. string.rep('\0', 24 - #id)
  if was ~= '' and was:byte(1) ~= 0 and was ~= shall then return tostring(first + nth) end
  local packed = redis.call('HGET', ARGV[1] .. ARGV[i], id)
  if packed and struct.unpack('<I4', packed, 2) ~= first + nth then return tostring(first + nth) end
  if not packed then
    absent[#absent + 1] = id
    absent[#absent + 1] = first + nth
  end
  bytes[#bytes + 1] = shall
end
redis.call('SETRANGE', KEYS[2], first * 24, table.concat(bytes))
for i = 1, #absent, 2 do redis.call('HSET', KEYS[3], absent[i], absent[i + 1]) end
for _, field in ipairs({'subjects', 'numbers_told'}) do
  if tonumber(redis.call('HGET', KEYS[1], field) or '0') < until_here then
    redis.call('HSET', KEYS[1], field, until_here)
  end
end
return ''
)lua";

} // namespace zhida::store::lua
