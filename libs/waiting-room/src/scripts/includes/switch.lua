--- @include "clock"

-- The room goes to another state, later than to any before: of two the items keep the later one. Returns since when.
local function switch_to(state_key, state, since)
  local from = math.max(math.floor(clock() / 1000), since + 1)
  redis.call('HSET', state_key, 'state', state, 'since', string.format('%d', from))
  redis.call('HDEL', state_key, 'calmSince')
  return from
end
