--[[
  Opens a paused item again. Where it is in that state already, nothing changes.
    KEYS[1] item  hash  state, version
    ARGV[1] channel
    Returns {'done'} | {'refused', state} | {'gone'}
]]
local item_key = KEYS[1]
local channel = ARGV[1]

--- @include "transition"

return transition(item_key, channel, 'resume')
