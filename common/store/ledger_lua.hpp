// The Lua of the ledger. The merge below and ledger::merge in common/model/ledger.cpp are one rule written
// twice; a property test holds them together.
#pragma once

namespace zhida::store::lua {

// Records: state, reason, attempts, engaged, first_submitted, at, items, spare.
inline constexpr const char* prelude = R"lua(
local FORM = '<BBBBI4I4I2I2'
local function rank(s, a) if s >= 5 then return 65536 end return a * 16 + s end
local deltas = {}
local function bump(f, d) deltas[f] = (deltas[f] or 0) + d end
-- reasons are counted for held, unknown, failed and suppressed
local function with_reason(s) return s == 1 or s == 4 or s == 6 or s == 8 end
local function count(s, w, d)
  bump('s' .. s, d)
  if with_reason(s) then bump('w' .. s .. ':' .. w, d) end
end
local function flush(key)
  for f, d in pairs(deltas) do if d ~= 0 then redis.call('HINCRBY', key, f, d) end end
end
-- one GETRANGE where the positions are near one another, one each where they are not
local function window(key, lo, hi, n)
  local span = hi - lo + 1
  if span > 4096 and span > 4 * n then return nil end
  return redis.call('GETRANGE', key, lo * 16, hi * 16 + 15)
end
local function read(key, raw, lo, pos)
  local b
  if raw then b = raw:sub((pos - lo) * 16 + 1, (pos - lo) * 16 + 16)
  else b = redis.call('GETRANGE', key, pos * 16, pos * 16 + 15) end
  return b
end
local function store(key, raw, lo, hi, patch, n)
  if not raw or n * 8 < hi - lo + 1 then
    for pos, b in pairs(patch) do redis.call('SETRANGE', key, pos * 16, b) end
    return
  end
  local out = {}
  for pos = lo, hi do out[#out + 1] = patch[pos] or raw:sub((pos - lo) * 16 + 1, (pos - lo) * 16 + 16) end
  redis.call('SETRANGE', key, lo * 16, table.concat(out))
end
)lua";

// KEYS audience, campaigns_of, verdicts, shard_state, then ledger and counters of each channel.
// ARGV campaign, ordinals, ledger bytes, epoch field, epoch ('0': any), then verdict fields and counts.
// An empty audience leaves no array: that it was frozen is kept with the verdicts.
inline constexpr const char* freeze = R"lua(
if ARGV[5] ~= '0' and redis.call('HGET', KEYS[4], ARGV[4]) ~= ARGV[5] then
  return redis.error_reply('FENCED epoch ' .. ARGV[5])
end
local held = redis.call('STRLEN', KEYS[1])
if held > 0 then return held / 4 end
if redis.call('HEXISTS', KEYS[3], 'frozen') == 1 then return 0 end
redis.call('HSET', KEYS[3], 'frozen', 1, unpack(ARGV, 6))
local n = #ARGV[2] / 4
if n == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
for i = 5, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[3])
  redis.call('HSET', KEYS[i + 1], 's0', n)
end
redis.call('SADD', KEYS[2], ARGV[1])
return n
)lua";

// KEYS audience, ledger, ids, opted_out; ARGV first, count, profile prefix, '1' with profiles
inline constexpr const char* load = R"lua(
local first, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local audience = redis.call('GETRANGE', KEYS[1], first * 4, (first + count) * 4 - 1)
local ledger = redis.call('GETRANGE', KEYS[2], first * 16, (first + count) * 16 - 1)
local out = {audience, ledger}
if ARGV[4] == '1' then
  for i = 0, #audience / 4 - 1 do
    local ordinal = struct.unpack('<I4', audience, i * 4 + 1)
    local id = redis.call('GETRANGE', KEYS[3], ordinal * 24, ordinal * 24 + 23):gsub('%z+$', '')
    out[#out + 1] = id
    out[#out + 1] = redis.call('HGET', bucket(ARGV[3], id), id) or ''
    out[#out + 1] = redis.call('SISMEMBER', KEYS[4], id)
  end
end
return out
)lua";

// KEYS ledger, counters, shard_state, opted_out, sent_counts, no_grant (WeChat only)
// ARGV epoch field, epoch, now, resend_within, positions, cap a day, cap a week (0: none), day, ordinals,
// then subject ids (none: opt-out and cap are not checked)
inline constexpr const char* claim = R"lua(
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return redis.error_reply('FENCED epoch ' .. ARGV[2]) end
local epoch, now, within = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local n = #ARGV[5] / 4
local positions, lo, hi = {}, nil, nil
for i = 1, n do
  local pos = struct.unpack('<I4', ARGV[5], i * 4 - 3)
  positions[i] = pos
  if not lo or pos < lo then lo = pos end
  if not hi or pos > hi then hi = pos end
end
local raw = window(KEYS[1], lo, hi, n)
local patch, changed, outcomes, touched = {}, {}, {}, 0
local per_day, per_week, today = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local function week(d) return math.floor((d + 3) / 7) end
-- Counts a first message of this subject, unless it has had as many as the cap allows: sent_count::reached.
local function capped(i)
  if per_day == 0 and per_week == 0 then return false end
  local at = struct.unpack('<I4', ARGV[9], i * 4 - 3) * 4
  local b = redis.call('GETRANGE', KEYS[5], at, at + 3)
  local day, in_day, in_week = today, 0, 0
  if #b == 4 then
    local d, t, w = struct.unpack('<I2BB', b)
    if d <= today + 1 then
      day = math.max(d, today)
      if day == d then in_day = t end
      if week(day) == week(d) then in_week = w end
    end
  end
  if (per_day > 0 and in_day >= per_day) or (per_week > 0 and in_week >= per_week) then return true end
  redis.call('SETRANGE', KEYS[5], at,
             struct.pack('<I2BB', day, math.min(in_day + 1, 255), math.min(in_week + 1, 255)))
  return false
end
for i = 1, n do
  local pos = positions[i]
  local old = patch[pos] or read(KEYS[1], raw, lo, pos)
  if #old ~= 16 then return redis.error_reply('NOPOSITION ' .. pos) end
  local s, w, a, e, f, at, items, spare = struct.unpack(FORM, old)
  local outcome, ns, nw, nf, nat = 'x', s, w, f, at
  local may = s == 0 or (s == 1 and at <= now)
  if s == 1 and at > now then outcome = 'h' end
  -- held because nobody knows whether the gateway took it: again only while it would drop a repetition
  if s == 1 and may and w == 65 and not (within > 0 and now <= f + within) then
    may, outcome, ns, nw, nat = false, 'u', 4, 65, now
  end
  if s == 2 then -- claimed before by an owner that is gone, or by a call whose answer was lost
    if within > 0 and now <= f + within then may = true
    else outcome, ns, nw, nat = 'u', 4, 64, now end
  end
  if may then
    local id = ARGV[9 + i]
    if id and redis.call('SISMEMBER', KEYS[4], id) == 1 then
      outcome, ns, nw, nat = 'o', 8, 1, now
    elseif id and KEYS[6] and redis.call('SISMEMBER', KEYS[6], id) == 1 then
      outcome, ns, nw, nat = 'g', 8, 4, now
    elseif id and f == 0 and capped(i) then -- a message that was tried before is counted already
      outcome, ns, nw, nat = 'k', 8, 8, now
    else
      outcome, ns, nw, nat = 'c', 2, 0, epoch
      if f == 0 then nf = now end
    end
  end
  outcomes[i] = outcome
  local bytes = struct.pack(FORM, ns, nw, a, e, nf, nat, items, spare)
  if bytes ~= old then
    count(s, w, -1)
    count(ns, nw, 1)
    patch[pos] = bytes
    touched = touched + 1
  end
  -- a claim that is asked for again, because its answer was lost, is told again
  if bytes ~= old or outcome == 'c' then changed[#changed + 1] = struct.pack('<I4', pos) .. bytes end
end
if touched > 0 then store(KEYS[1], raw, lo, hi, patch, touched) end
flush(KEYS[2])
return {table.concat(outcomes), table.concat(changed)}
)lua";

// KEYS ledger, counters; ARGV changes
inline constexpr const char* apply = R"lua(
local n = #ARGV[1] / 20
local lo, hi
for i = 0, n - 1 do
  local pos = struct.unpack('<I4', ARGV[1], i * 20 + 1)
  if not lo or pos < lo then lo = pos end
  if not hi or pos > hi then hi = pos end
end
local raw = window(KEYS[1], lo, hi, n)
local patch, changed, touched = {}, {}, 0
for i = 0, n - 1 do
  local pos = struct.unpack('<I4', ARGV[1], i * 20 + 1)
  local ns, nw, na, ne, nf, nat, nitems, nspare = struct.unpack(FORM, ARGV[1], i * 20 + 5)
  local old = patch[pos] or read(KEYS[1], raw, lo, pos)
  if #old ~= 16 then return redis.error_reply('NOPOSITION ' .. pos) end
  local s, w, a, e, f, at, items, spare = struct.unpack(FORM, old)
  local take = rank(ns, na) > rank(s, a)
  local engaged, both = bit.bor(e, ne), bit.bor(items, nitems)
  local bytes
  if take then
    if nf == 0 then nf = f end
    bytes = struct.pack(FORM, ns, nw, na, engaged, nf, nat, both, nspare)
  else
    if f == 0 then f = nf end
    bytes = struct.pack(FORM, s, w, a, engaged, f, at, both, spare)
  end
  if bytes ~= old then
    if take then count(s, w, -1); count(ns, nw, 1) end
    if bit.band(engaged, 2) ~= 0 and bit.band(e, 2) == 0 then bump('read', 1) end
    patch[pos] = bytes
    touched = touched + 1
    changed[#changed + 1] = struct.pack('<I4', pos) .. bytes
  end
end
if touched > 0 then store(KEYS[1], raw, lo, hi, patch, touched) end
flush(KEYS[2])
return table.concat(changed)
)lua";

// KEYS message, orphan; ARGV place, seconds to keep. The early receipt stays until it expires: handing it
// over twice does no harm, losing it would.
inline constexpr const char* bind = R"lua(
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return redis.call('GET', KEYS[2])
)lua";

// KEYS message, orphan; ARGV receipt, seconds to keep
inline constexpr const char* resolve = R"lua(
local place = redis.call('GET', KEYS[1])
if not place then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) end
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

// The hash that holds a subject's profile: keys::profiles.
inline constexpr const char* bucket = R"lua(
local function bucket(prefix, id) return prefix .. redis.sha1hex(id):sub(1, 2) end
)lua";

// KEYS shard_state; ARGV epoch field, epoch, field, value
inline constexpr const char* keep_place = R"lua(
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
return 1
)lua";

// KEYS shard_state, ids, opted_out, opted_out_bits, preferences, untargeted_bits; ARGV next offset, profile
// prefix, lineage, epoch field, epoch ('0': any), then (id,
// packed) pairs. The packed form holds the ordinal in bytes 2..5 (little-endian): an existing subject keeps
// its own, a new one gets the next. Rows of offsets that were applied before change no profile: a newer one
// may stand there, and whoever writes them has lost the shard, or repeats itself.
inline constexpr const char* put_profiles = R"lua(
if ARGV[5] ~= '0' and redis.call('HGET', KEYS[1], ARGV[4]) ~= ARGV[5] then
  return redis.error_reply('FENCED epoch ' .. ARGV[5])
end
local applied = tonumber(redis.call('HGET', KEYS[1], 'profile_offset') or '0')
local passed = tonumber(ARGV[1]) <= applied
local before = tonumber(redis.call('HGET', KEYS[1], 'subjects') or '0')
local anybody_out, anybody_chose = redis.call('EXISTS', KEYS[3]) == 1, redis.call('EXISTS', KEYS[5]) == 1
local ordinals, fresh = {}, {}
for i = 6, #ARGV, 2 do
  local id, packed = ARGV[i], ARGV[i + 1]
  local key = bucket(ARGV[2], id)
  local held = redis.call('HGET', key, id)
  local ordinal
  if held then ordinal = struct.unpack('<I4', held, 2)
  else
    ordinal = before + #fresh
    fresh[#fresh + 1] = id .. string.rep('\0', 24 - #id)
    if anybody_out and redis.call('SISMEMBER', KEYS[3], id) == 1 then redis.call('SETBIT', KEYS[4], ordinal, 1) end
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

// KEYS shard_state, opted_out, opted_out_bits, no_grant, no_grant_bits, preferences, untargeted_bits,
// refused_numbers, the subject's profiles; ARGV place in the log up to which everything must have been
// applied, the change's own (or '' and '': not in the log), kind, subject id or digest of a number, encoded
// preferences
// ('': none), '1' where these refuse all messages. Gives 1 where it was applied, and the next place: a change
// that comes after one which is missing here, or before one that stands, changes nothing. Without an ordinal
// there is no bit yet: put_profiles sets it.
inline constexpr const char* consent = R"lua(
local place = tonumber(redis.call('HGET', KEYS[1], 'consent_offset') or '0')
if ARGV[2] ~= '' then
  -- the last one may be applied again: nothing stands that came after it
  if place < tonumber(ARGV[1]) or tonumber(ARGV[2]) < place - 1 then return {0, place} end
  place = tonumber(ARGV[2]) + 1
  redis.call('HSET', KEYS[1], 'consent_offset', string.format('%.0f', place))
end
local kind, who = ARGV[3], ARGV[4]
local held = kind:sub(1, 6) ~= 'number' and redis.call('HGET', KEYS[9], who)
local function put(set, bits, yes)
  if set then redis.call(yes and 'SADD' or 'SREM', set, who) end
  if held and bits then redis.call('SETBIT', bits, struct.unpack('<I4', held, 2), yes and 1 or 0) end
end
if kind == 'opt_out' then put(KEYS[2], KEYS[3], true)
elseif kind == 'opt_in' then put(KEYS[4], KEYS[5], false); put(KEYS[2], KEYS[3], false)
elseif kind == 'refuse' then put(KEYS[4], KEYS[5], true)
elseif kind == 'number_out' then put(KEYS[8], nil, true)
elseif kind == 'number_in' then put(KEYS[8], nil, false)
elseif kind == 'preferences' then
  put(KEYS[2], KEYS[3], ARGV[6] == '1')
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
