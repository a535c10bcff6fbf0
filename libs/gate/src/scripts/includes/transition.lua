--- @include "announce"

-- What each verb makes of each state. A state that is left out refuses the verb: `closed` is final, and `suspended`
-- ends only with a rebuild.
local TRANSITIONS = {
  pause = { open = 'paused', paused = 'paused' },
  resume = { open = 'open', paused = 'open' },
  close = { open = 'closed', paused = 'closed', closed = 'closed' },
  suspend = { open = 'suspended', paused = 'suspended', closed = 'suspended', suspended = 'suspended' },
}

local function transition(item_key, channel, verb)
  local state = redis.call('HGET', item_key, 'state')
  if not state then return { 'gone' } end
  local target = TRANSITIONS[verb][state]
  if not target then return { 'refused', state } end
  if target ~= state then
    redis.call('HSET', item_key, 'state', target)
    announce(item_key, channel)
  end
  return { 'done' }
end
