// The Lua of the stores. What becomes of a record is decided in C++ alone: these scripts compare, write and
// count, so that no rule is written twice.
#pragma once

namespace zhida::store::lua {

// KEYS audience, campaigns_of, verdicts, shard_state, then ledger and counters of each channel.
// ARGV campaign, ordinals, ledger bytes, epoch field, epoch ('0': any), '1' where every record waits its
// turn, then verdict fields and counts. An empty audience leaves no array: that it was frozen is kept with
// the verdicts. Gives the size, and 1 where an earlier audience stays.
inline constexpr const char* freeze = R"lua(
if ARGV[5] ~= '0' and redis.call('HGET', KEYS[4], ARGV[4]) ~= ARGV[5] then
  return redis.error_reply('FENCED epoch ' .. ARGV[5])
end
local held = redis.call('STRLEN', KEYS[1])
if held > 0 then return {held / 4, 1} end
if redis.call('HEXISTS', KEYS[3], 'frozen') == 1 then return {0, 1} end
redis.call('HSET', KEYS[3], 'frozen', 1, unpack(ARGV, 7))
local n = #ARGV[2] / 4
if n == 0 then return {0, 0} end
redis.call('SET', KEYS[1], ARGV[2])
for i = 5, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[3])
  if ARGV[6] == '1' then redis.call('HSET', KEYS[i + 1], 's1', n, 'w1:99', n)
  else redis.call('HSET', KEYS[i + 1], 's0', n) end
end
redis.call('SADD', KEYS[2], ARGV[1])
return {n, 0}
)lua";

// KEYS audience, ledger, ids, opted_out, no_grant, preferences, shard_state, sent_counts, stopped_campaigns,
// refused_numbers
// ARGV first, count, '1' with subjects, campaign
// Gives the run id of the server, the counter of consents, what stopped the campaign, audience, records,
// the counts of messages sent and the lowest ordinal where they begin with it (-1: they are in the
// audience's order), whether anybody of the shard has
// preferences, whether any number is refused; and with subjects their ids (24 bytes each), their flags (a
// byte each: 1 opted out, 2 no grant), then, where anybody has some, their preferences. Profiles are not
// among them: Lua would hash each as a string of its own.
inline constexpr const char* load = R"lua(
local first, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local audience = redis.call('GETRANGE', KEYS[1], first * 4, (first + count) * 4 - 1)
local records = redis.call('GETRANGE', KEYS[2], first * 16, (first + count) * 16 - 1)
local consents = redis.call('HGET', KEYS[7], 'consents') or '0'
local stopped = redis.call('HGET', KEYS[9], ARGV[4]) or ''
local any_wish = redis.call('EXISTS', KEYS[6]) == 1
local out = {run_id(), consents, stopped, audience, records, '', -1, any_wish and 1 or 0,
             redis.call('EXISTS', KEYS[10])}
local n = #audience / 4
if n == 0 or ARGV[3] ~= '1' then return out end
local lowest, highest = 4294967295, 0
for i = 1, n * 4, 4 do
  local ordinal = struct.unpack('<I4', audience, i)
  if ordinal < lowest then lowest = ordinal end
  if ordinal > highest then highest = ordinal end
end
local near = highest - lowest < 64 * n + 1024 -- then one GETRANGE serves them all
local ids
if near then
  ids = redis.call('GETRANGE', KEYS[3], lowest * 24, highest * 24 + 23)
  out[6] = redis.call('GETRANGE', KEYS[8], lowest * 4, highest * 4 + 3)
  out[7] = lowest
end
local anybody_out = redis.call('EXISTS', KEYS[4]) == 1
local any_refusal = redis.call('EXISTS', KEYS[5]) == 1
local counts, names, flags, wishes = {}, {}, {}, {}
out[10], out[11] = '', ''
for i = 0, n - 1 do
  local ordinal = struct.unpack('<I4', audience, i * 4 + 1)
  local id
  if near then id = ids:sub((ordinal - lowest) * 24 + 1, (ordinal - lowest) * 24 + 24)
  else
    id = redis.call('GETRANGE', KEYS[3], ordinal * 24, ordinal * 24 + 23)
    local sent = redis.call('GETRANGE', KEYS[8], ordinal * 4, ordinal * 4 + 3)
    counts[#counts + 1] = #sent == 4 and sent or '\0\0\0\0'
  end
  names[i + 1] = #id == 24 and id or string.rep('\0', 24)
  id = id:sub(1, (id:find('\0', 1, true) or 25) - 1)
  local flag = 0
  if anybody_out and redis.call('SISMEMBER', KEYS[4], id) == 1 then flag = flag + 1 end
  if any_refusal and redis.call('SISMEMBER', KEYS[5], id) == 1 then flag = flag + 2 end
  flags[i + 1] = string.char(flag)
  if any_wish then wishes[i + 1] = redis.call('HGET', KEYS[6], id) or '' end
end
if not near then out[6] = table.concat(counts) end
out[10], out[11] = table.concat(names), table.concat(flags)
for i = 1, #wishes do out[11 + i] = wishes[i] end
return out
)lua";

// The server that runs this. It is another one after a restart or a fail-over, which may have lost the last
// writes.
inline constexpr const char* run_id = R"lua(
local function run_id() return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
)lua";

// KEYS shard_state; ARGV next offset, run id that it is true of
inline constexpr const char* keep_delivery_place = R"lua(
if run_id() ~= ARGV[2] then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'delivery_offset') or '0') < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'delivery_offset', ARGV[1])
end
redis.call('HSET', KEYS[1], 'delivery_server', ARGV[2])
return 1
)lua";

// KEYS shard_state; ARGV field, value
inline constexpr const char* keep_highest = R"lua(
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
)lua";

// KEYS due; ARGV member, the time that was read: a note that was made since stays.
inline constexpr const char* drop_due = R"lua(
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
)lua";

// KEYS stopped_campaigns; ARGV campaign, revision, state
inline constexpr const char* tell_state = R"lua(
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and tonumber(held:match('^%d+')) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 1
)lua";

// KEYS ledger; ARGV positions. Gives their records.
inline constexpr const char* records_at = R"lua(
local out = {}
for i = 1, #ARGV[1], 4 do
  local at = struct.unpack('<I4', ARGV[1], i) * 16
  local b = redis.call('GETRANGE', KEYS[1], at, at + 15)
  if #b ~= 16 then return redis.error_reply('NOPOSITION ' .. at / 16) end
  out[#out + 1] = b
end
return table.concat(out)
)lua";

// Compare and swap: writes the runs if every one of them still reads as it did, or reads as it shall already
// (the answer to the same call was lost).
// KEYS ledger, counters, shard_state, sent_counts, stopped_campaigns
// ARGV runs (u32 first, u32 count, records as they were, as they shall be), offset of the log that Redis is
// up to ('' unknown), run id that this is true of, epoch field ('': not a claim), epoch, run id, consents,
// campaign, counts of messages sent (u32 ordinal, u32 how many, four bytes each), then counter fields and
// differences.
inline constexpr const char* commit = R"lua(
if ARGV[4] ~= '' then
  if run_id() ~= ARGV[6] then return 'server' end -- which may not know of any epoch
  if redis.call('HGET', KEYS[3], ARGV[4]) ~= ARGV[5] then return 'fenced' end
  local state = redis.call('HGET', KEYS[5], ARGV[8])
  if state and state:sub(-8) ~= ' running' then return 'stopped' end
end
local runs, at, new = ARGV[1], 1, {}
local size, done, asked = #runs, true, false
while at <= size do
  local first, n = struct.unpack('<I4I4', runs, at)
  local was = runs:sub(at + 8, at + 7 + n * 16)
  local now = redis.call('GETRANGE', KEYS[1], first * 16, (first + n) * 16 - 1)
  if #now ~= n * 16 then return redis.error_reply('NOPOSITION ' .. first) end
  local shall = runs:sub(at + 8 + n * 16, at + 7 + n * 32)
  if now ~= shall then
    done = false
    if now ~= was then asked = true end
  end
  new[#new + 1] = first * 16
  new[#new + 1] = shall
  at = at + 8 + n * 32
end
if done then return 'done' end
if asked then return 'changed' end
if ARGV[4] ~= '' and (redis.call('HGET', KEYS[3], 'consents') or '0') ~= ARGV[7] then return 'changed' end
for i = 1, #new, 2 do redis.call('SETRANGE', KEYS[1], new[i], new[i + 1]) end
for i = 10, #ARGV, 2 do
  if redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) == 0 then redis.call('HDEL', KEYS[2], ARGV[i]) end
end
local sent = ARGV[9]
at = 1
while at <= #sent do
  local first, n = struct.unpack('<I4I4', sent, at)
  redis.call('SETRANGE', KEYS[4], first * 4, sent:sub(at + 8, at + 7 + n * 4))
  at = at + 8 + n * 4
end
if ARGV[2] ~= '' and tonumber(redis.call('HGET', KEYS[3], 'delivery_offset') or '0') < tonumber(ARGV[2])
    and run_id() == ARGV[3] then
  redis.call('HSET', KEYS[3], 'delivery_offset', ARGV[2])
end
return 'done'
)lua";

// KEYS messages, several; ARGV seconds to keep, then of each key how many fields, and fields and places (a
// line each): in addition to those known.
inline constexpr const char* add_places = R"lua(
local at = 2
for k = 1, #KEYS do
  for _ = 1, tonumber(ARGV[at]) do
    local held = redis.call('HGET', KEYS[k], ARGV[at + 1])
    local all = held or ''
    for line in ARGV[at + 2]:gmatch('[^\n]+') do
      if not ('\n' .. all .. '\n'):find('\n' .. line .. '\n', 1, true) then
        all = all == '' and line or all .. '\n' .. line
      end
    end
    if all ~= held then redis.call('HSET', KEYS[k], ARGV[at + 1], all) end
    at = at + 2
  end
  at = at + 1
  redis.call('EXPIRE', KEYS[k], ARGV[1])
end
return 1
)lua";

// KEYS messages, orphan, any_orphan; ARGV receipt, seconds to keep, field of the message. Who binds sets the
// message before it asks for any orphan, this asks for the message before it sets the orphan: one of them
// sees the other.
inline constexpr const char* resolve = R"lua(
local place = redis.call('HGET', KEYS[1], ARGV[3])
if not place then
  redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
  redis.call('SET', KEYS[3], '1', 'EX', ARGV[2])
end
return place
)lua";

// The position of an ordinal in a rising array of u32, or nil.
inline constexpr const char* search = R"lua(
local function position(key, ordinal)
  local lo, hi = 0, redis.call('STRLEN', key) / 4 - 1
  while lo <= hi do
    local mid = math.floor((lo + hi) / 2)
    local at = struct.unpack('<I4', redis.call('GETRANGE', key, mid * 4, mid * 4 + 3))
    if at == ordinal then return mid end
    if at < ordinal then lo = mid + 1 else hi = mid - 1 end
  end
  return nil
end
)lua";

// KEYS campaigns_of; ARGV ordinal, campaign prefix, then campaigns (none: all of the shard)
inline constexpr const char* inbox = R"lua(
local names = {}
for i = 3, #ARGV do names[#names + 1] = ARGV[i] end
if #names == 0 then names = redis.call('SMEMBERS', KEYS[1]) end
local out = {}
for _, name in ipairs(names) do
  local pos = position(ARGV[2] .. name .. ':audience', tonumber(ARGV[1]))
  if pos then
    local record = redis.call('GETRANGE', ARGV[2] .. name .. ':ledger:web', pos * 16, pos * 16 + 15)
    if #record == 16 and record:byte(1) == 5 then
      out[#out + 1] = name
      out[#out + 1] = record
      out[#out + 1] = pos
    end
  end
end
return out
)lua";

// KEYS shard_state; ARGV epoch field, epoch, field, value
inline constexpr const char* keep_place = R"lua(
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
return 1
)lua";

// KEYS shard_state, opted_out, opted_out_bits, no_grant, no_grant_bits, preferences, untargeted_bits,
// refused_numbers, the subject's profiles, wechat_addresses, bound, the subject's bindings; ARGV place in the
// log up to which everything must have been applied, the change's own (or '' and '': not in the log), kind,
// subject id or digest, encoded preferences ('': none), '1' where these refuse all messages, the template or
// the digest of the address that is bound, seconds since 1970 of the change, '1' for a grant of one message
// or the sealed contact, 'address' where the change is of one, what tells a grant from another. Gives 1 where
// it was applied, and the next place: a change that comes after one which is missing here, or before one that
// stands, changes nothing. Without an ordinal there is no bit yet: put_profiles sets it.
inline constexpr const char* consent = R"lua(
local place = tonumber(redis.call('HGET', KEYS[1], 'consent_offset') or '0')
if ARGV[2] ~= '' then
  -- the last one may be applied again: nothing stands that came after it
  if place < tonumber(ARGV[1]) or tonumber(ARGV[2]) < place - 1 then return {0, place} end
  place = tonumber(ARGV[2]) + 1
  redis.call('HSET', KEYS[1], 'consent_offset', string.format('%.0f', place))
end
local kind, who = ARGV[3], ARGV[4]
if ARGV[10] == 'address' then
  local of = who .. ':t:' .. ARGV[7]
  if kind == 'address_in' or kind == 'address_out' then
    -- what was said later holds, though it may be heard earlier
    local held = redis.call('HGET', KEYS[10], who .. ':f')
    if not held or (tonumber(held:sub(3)) or 0) <= tonumber(ARGV[8]) then
      redis.call('HSET', KEYS[10], who .. ':f', (kind == 'address_in' and '1 ' or '0 ') .. ARGV[8])
    end
  elseif kind == 'denied' then redis.call('HSET', KEYS[10], of, 'R' .. ARGV[8])
  elseif ARGV[9] ~= '1' then redis.call('HSET', KEYS[10], of, 'L')
  else
    -- a grant is counted once, however often it is heard or applied
    local counted = redis.call('HGET', KEYS[10], who .. ':g') or ''
    if ARGV[11] == '' or not counted:find(ARGV[11], 1, true) then
      local left = tonumber(redis.call('HGET', KEYS[10], of) or '') or 0
      redis.call('HSET', KEYS[10], of, string.format('%.0f', left + 1), who .. ':g',
                 (counted .. ' ' .. ARGV[11]):sub(-400))
    end
  end
  return {1, place} -- claims of this shard do not rest on it
end
local held = kind:sub(1, 6) ~= 'number' and redis.call('HGET', KEYS[9], who)
local function put(set, bits, yes)
  if set then redis.call(yes and 'SADD' or 'SREM', set, who) end
  if held and bits then redis.call('SETBIT', bits, struct.unpack('<I4', held, 2), yes and 1 or 0) end
end
if kind == 'opt_out' then put(KEYS[2], KEYS[3], true)
elseif kind == 'opt_in' then put(KEYS[4], KEYS[5], false); put(KEYS[2], KEYS[3], false)
elseif kind == 'refuse' then put(KEYS[4], KEYS[5], true)
elseif kind == 'regrant' then put(KEYS[4], KEYS[5], false)
elseif kind == 'bind' or kind == 'unbind' then
  redis.call('HSET', KEYS[12], ARGV[7], kind == 'bind' and ARGV[9] or '')
  redis.call('SADD', KEYS[11], who)
elseif kind == 'number_out' then put(KEYS[8], nil, true)
elseif kind == 'number_in' then put(KEYS[8], nil, false)
elseif kind == 'preferences' then
  -- they may have been drawn before an opt-out that came since: opt_in alone takes that back
  if ARGV[6] == '1' then put(KEYS[2], KEYS[3], true) end
  put(nil, KEYS[7], ARGV[5]:sub(2, 2) == 'u')
  if ARGV[5] == '' then redis.call('HDEL', KEYS[6], who) else redis.call('HSET', KEYS[6], who, ARGV[5]) end
end
redis.call('HINCRBY', KEYS[1], 'consents', 1) -- who decided by what stood before sees it by this
return {1, place}
)lua";

// KEYS shard_state; ARGV the place that stands, the place to stand: of changes that the log has lost.
inline constexpr const char* move_consents = R"lua(
if (redis.call('HGET', KEYS[1], 'consent_offset') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'consent_offset', ARGV[2])
return 1
)lua";

} // namespace zhida::store::lua
