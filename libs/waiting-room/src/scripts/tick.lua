--[[
  What each gateway does ten times a second for a sale that people come to: adds its purchase attempts, switches the room,
  and calls those whose turn it is.
    KEYS[1] state     hash    the room: its settings and how it stands
    KEYS[2] attempts  hash    tenth of a second -> purchase attempts in it
    KEYS[3] line      zset    ticket id -> place: the draw's rank, or when it joined
    KEYS[4] called    zset    ticket id -> from when its pass is good, not fetched yet
    KEYS[5] inside    zset    ticket id -> from when its pass is good
    KEYS[6] absent    zset    ticket id -> until when it may return to the front
    KEYS[7] places    hash    ticket id -> place, of those called and inside
    KEYS[8] seenEven  string  KEYS[9] seenOdd  string: filters of who has looked lately
    ARGV[1] attempts since the gateway's last tick   ARGV[2] units available now
    ARGV[3] isOver (1: nothing is left and nothing can come back)   ARGV[4] wasOn (1: so the gateway knows it)
    ARGV[5..] ids of tickets whose shoppers have bought
    Returns {nowMs, since, state, version, waiting, called in all, inside, pausedUntilMs}
      | {'notReady'}
  Passes are given out one by one, each good from a time of its own (GCRA: ITU-T I.371): between two lie 1/rate seconds,
  whoever asks and however often. What was not used is not saved up.
  Nobody is called for whom there is no unit: those inside are never more than the units that are available.
]]
local state_key, attempts_key, line_key, called_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inside_key, absent_key, places_key = KEYS[5], KEYS[6], KEYS[7]
local seen_even_key, seen_odd_key = KEYS[8], KEYS[9]
local attempts, available, is_over, was_on = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'

--- @include "clock"
--- @include "seen"
--- @include "server"
--- @include "switch"

local SLOT_US, SLOTS = 100000, 10
-- In `auto` the room goes off when demand has been below this share of the rate for so long.
local CALM_SHARE, CALM_MS = 0.8, 5000
-- Passes that become good until the next tick are given out now.
local AHEAD_US = 150000
-- Keeps one tick short: a ticket that is moved costs Redis 3 us.
local MAX_CALLS, MAX_MOVED = 1000, 500

local room = redis.call('HMGET', state_key, 'version', 'mode', 'rate', 'maxInside', 'passMs', 'silentMs', 'graceMs',
  'longestPollMs', 'opensAtMs', 'lobbyOpensAtMs', 'isDrawn', 'since', 'state', 'calmSince', 'called', 'tat',
  'pausedUntil', 'server', 'head')
if not room[1] then return { 'notReady' } end
local mode, rate, max_inside = room[2], tonumber(room[3]), tonumber(room[4])
local pass_ms, silent_ms, grace_ms, longest_poll_ms =
  tonumber(room[5]), tonumber(room[6]), tonumber(room[7]), tonumber(room[8])
local opens_ms, lobby_opens_ms, is_drawn = tonumber(room[9]), tonumber(room[10]), room[11] == '1'
local since, state, calm_since = tonumber(room[12]), room[13], tonumber(room[14])
local called_in_all, tat, paused_until, head =
  tonumber(room[15]), tonumber(room[16]), tonumber(room[17]), tonumber(room[19])
local now_us = clock()
local now = math.floor(now_us / 1000)

-- Another Redis, or one that was started anew: what it remembers may be old. Whoever was in line comes back with a ticket.
local run = run_of_server()
if room[18] ~= run then
  paused_until = now + longest_poll_ms
  redis.call('HSET', state_key, 'server', run, 'pausedUntil', string.format('%d', paused_until))
end

local slot = math.floor(now_us / SLOT_US)
if attempts > 0 then redis.call('HINCRBY', attempts_key, string.format('%d', slot), attempts) end
local past_slots = {}
-- The present tenth among them: a crowd is noticed with the first counts that are too many.
for back = 1, SLOTS do past_slots[back] = string.format('%d', slot + 1 - back) end
local per_second = 0
for _, count in ipairs(redis.call('HMGET', attempts_key, unpack(past_slots))) do
  per_second = per_second + (tonumber(count) or 0)
end
if redis.call('HLEN', attempts_key) > 2 * SLOTS then
  for _, field in ipairs(redis.call('HKEYS', attempts_key)) do
    if tonumber(field) < slot - SLOTS then redis.call('HDEL', attempts_key, field) end
  end
end

local waiting = redis.call('ZCARD', line_key)
local has_lobby = lobby_opens_ms < opens_ms and now >= lobby_opens_ms and not is_drawn
local target = mode
if mode == 'auto' then
  -- After a loss nobody waits until the tickets have come back; that there was a line only the gateways know.
  local is_busy = waiting > 0 or has_lobby or was_on and now < paused_until
  if state ~= 'on' then
    target = (is_busy or per_second > rate) and 'on' or 'off'
  elseif is_busy or per_second >= rate * CALM_SHARE then
    target = 'on'
    if calm_since then redis.call('HDEL', state_key, 'calmSince') end
  elseif not calm_since then
    target = 'on'
    redis.call('HSET', state_key, 'calmSince', string.format('%d', now))
  else
    target = now - calm_since >= CALM_MS and 'off' or 'on'
  end
end
if target ~= state then
  state, since = target, switch_to(state_key, target, since)
end

local function good_since_before(key, us)
  return redis.call('ZRANGEBYSCORE', key, '-inf', whole_text(us), 'LIMIT', 0, MAX_MOVED)
end

local function end_stay(ticket_ids)
  if #ticket_ids == 0 then return end
  redis.call('ZREM', inside_key, unpack(ticket_ids))
  redis.call('HDEL', places_key, unpack(ticket_ids))
end

local absent_until = string.format('%d', now + grace_ms)
local function pass_over(ticket_id)
  redis.call('ZADD', absent_key, absent_until, ticket_id)
end

end_stay({ unpack(ARGV, 5) })
end_stay(good_since_before(inside_key, now_us - pass_ms * 1000))
for _, ticket_id in ipairs(good_since_before(called_key, now_us - silent_ms * 1000)) do
  redis.call('ZREM', called_key, ticket_id)
  redis.call('HDEL', places_key, ticket_id)
  pass_over(ticket_id)
end
redis.call('ZREMRANGEBYSCORE', absent_key, '-inf', string.format('(%d', now))
local inside = redis.call('ZCARD', inside_key) + redis.call('ZCARD', called_key)

-- How many may be called now.
local function free_turns()
  local is_calling = state == 'on' and now >= opens_ms and not has_lobby and now >= paused_until and not is_over
  if not is_calling then return 0 end
  tat = math.max(tat, now_us)
  local turns = math.min(MAX_CALLS, math.floor((now_us + AHEAD_US - tat) * rate / 1000000) + 1)
  if max_inside > 0 then turns = math.min(turns, max_inside - inside) end
  return math.min(turns, available - inside)
end

-- From the front: whoever has looked lately is called, whoever has not is passed over. Once nothing can come back the
-- silent just leave.
local turns = waiting > 0 and free_turns() or 0
if turns > 0 or is_over and waiting > 0 then
  local filters = seen_filters(state_key, line_key, { [0] = seen_even_key, [1] = seen_odd_key }, now_us, silent_ms)
  local front = redis.call('ZRANGE', line_key, 0, turns + MAX_MOVED - 1, 'WITHSCORES')
  local given, gone = 0, {}
  for index = 1, #front, 2 do
    local ticket_id, place = front[index], front[index + 1]
    local is_present = was_seen(filters, ticket_id)
    if is_present and given == turns and not is_over then break end
    if is_present and not is_over then
      redis.call('ZADD', called_key, whole_text(tat), ticket_id)
      redis.call('HSET', places_key, ticket_id, place)
      tat = tat + 1000000 / rate
      given = given + 1
    elseif not is_present and not is_over then
      pass_over(ticket_id)
    end
    if not is_present or not is_over then
      gone[#gone + 1] = ticket_id
      head = math.max(head, tonumber(place))
    end
  end
  if #gone > 0 then redis.call('ZREM', line_key, unpack(gone)) end
  waiting, inside, called_in_all = waiting - #gone, inside + given, called_in_all + given
  redis.call('HSET', state_key, 'tat', whole_text(tat), 'head', whole_text(head),
    'called', string.format('%d', called_in_all))
end

return { now, since, state, tonumber(room[1]), waiting, called_in_all, inside, paused_until }
