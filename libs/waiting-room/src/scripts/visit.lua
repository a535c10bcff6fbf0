--[[
  People at the room: each joins the line, looks at its place, or leaves.
    KEYS[1] state   hash  the room: its settings and how it stands
    KEYS[2] line    zset  ticket id -> place: the draw's rank, or when it joined
    KEYS[3] called  zset  ticket id -> from when its pass is good, not fetched yet
    KEYS[4] inside  zset  ticket id -> from when its pass is good
    KEYS[5] absent  zset  ticket id -> until when it may return to the front
    KEYS[6] places  hash  ticket id -> place, of those called and inside
    KEYS[7] seenEven  string  KEYS[8] seenOdd  string: filters of who has looked lately
    ARGV[1..] per visit: join | look | leave, ticket id, place that its ticket proves or ''
    Returns {nowMs, and per visit, in order, one text of words} | {'notReady'}
      joined <place> <ahead> | waiting <place> <ahead> | turn <place> <from when the pass is good, in us>
      ended | left | open | early <opens in ms> | over
  `ended`: it was called, passed over or gone, and its time to return is over. `open`: there is no room in front of the
  sale. A ticket that the line does not know, of a place that nobody was called from yet, was forgotten by Redis: it takes
  its place again. So does, for a while, every ticket after a Redis was found to be another one.
]]
local state_key, line_key, called_key, inside_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local absent_key, places_key, seen_even_key, seen_odd_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8]

--- @include "clock"
--- @include "seen"

local FIELDS = 3
local room = redis.call('HMGET', state_key, 'state', 'lobbyOpensAtMs', 'closesAtMs', 'passMs', 'silentMs', 'graceMs',
  'stamp', 'head', 'pausedUntil', 'server')
-- A room that was lost, and that no gateway has looked after since, may have had a line.
if not room[1] or room[10] == '' then return { 'notReady' } end
local state, lobby_opens_ms, closes_ms = room[1], tonumber(room[2]), tonumber(room[3])
local pass_ms, silent_ms, grace_ms = tonumber(room[4]), tonumber(room[5]), tonumber(room[6])
local stamp, head, paused_until = tonumber(room[7]), tonumber(room[8]), tonumber(room[9])
local now_us = clock()
local now = math.floor(now_us / 1000)
local is_forming_again = paused_until > 0 and now < paused_until + grace_ms

local refused
if now >= closes_ms then
  refused = 'over'
elseif now < lobby_opens_ms then
  refused = string.format('early %d', lobby_opens_ms - now)
elseif state == 'off' then
  refused = 'open'
end

local function put(word, ticket_id, place)
  redis.call('ZADD', line_key, whole_text(place), ticket_id)
  return word .. ' ' .. whole_text(place) .. ' ' .. redis.call('ZRANK', line_key, ticket_id)
end

local function leave(ticket_id)
  for _, key in ipairs({ line_key, called_key, inside_key, absent_key }) do redis.call('ZREM', key, ticket_id) end
  redis.call('HDEL', places_key, ticket_id)
  return 'left'
end

-- What a ticket that was called is told; nil where it was not, or its pass is over.
local function turn(ticket_id)
  local place = redis.call('HGET', places_key, ticket_id)
  if not place then return nil end
  local good_from = tonumber(redis.call('ZSCORE', called_key, ticket_id))
  if good_from then
    if now_us < good_from then return 'waiting ' .. place .. ' 0' end
    redis.call('ZREM', called_key, ticket_id)
    redis.call('ZADD', inside_key, whole_text(good_from), ticket_id)
  else
    good_from = tonumber(redis.call('ZSCORE', inside_key, ticket_id))
  end
  if not good_from or now_us >= good_from + pass_ms * 1000 then return nil end
  return 'turn ' .. place .. ' ' .. whole_text(good_from)
end

local filters
local function visit(verb, ticket_id, proven)
  if verb == 'leave' then return leave(ticket_id) end
  if refused then return refused end
  filters = filters or seen_filters(state_key, line_key, { [0] = seen_even_key, [1] = seen_odd_key }, now_us, silent_ms)
  note_seen(filters, ticket_id)

  local is_owed = proven and (proven > head or is_forming_again)
  local place = tonumber(redis.call('ZSCORE', line_key, ticket_id))
  if place and is_owed and proven < place then return put('waiting', ticket_id, proven) end
  if place then return 'waiting ' .. whole_text(place) .. ' ' .. redis.call('ZRANK', line_key, ticket_id) end
  local called = turn(ticket_id)
  if called then return called end
  if redis.call('ZREM', absent_key, ticket_id) == 1 then
    return put('waiting', ticket_id, math.min(proven or head, head))
  end
  if is_owed then return put('waiting', ticket_id, proven) end
  if verb == 'look' then return 'ended' end
  stamp = math.max(now_us, stamp + 1)
  return put('joined', ticket_id, stamp)
end

local stamp_before = stamp
local replies = { now }
for at = 1, #ARGV, FIELDS do
  replies[#replies + 1] = visit(ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]))
end
if stamp > stamp_before then redis.call('HSET', state_key, 'stamp', whole_text(stamp)) end
return replies
