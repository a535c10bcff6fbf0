--[[
  The clock by which a room's places are given, of the server that has it.
    KEYS[1] state  hash  the room
    Returns {nowMs}
]]
local state_key = KEYS[1]

--- @include "clock"

redis.call('EXISTS', state_key)
return { math.floor(clock() / 1000) }
