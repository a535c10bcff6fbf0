--[[
  Closes an item, whatever its state, until it is rebuilt: Redis went back in time. A gate that was rebuilt since, in a
  newer epoch, stays as it is.
    KEYS[1] item  hash  epoch, state, version
    ARGV[1] epoch in which the fault was seen   ARGV[2] channel
    Returns {'done'} | {'gone'}
]]
local item_key = KEYS[1]
local epoch, channel = tonumber(ARGV[1]), ARGV[2]

--- @include "transition"

local found = tonumber(redis.call('HGET', item_key, 'epoch'))
if found and found > epoch then return { 'done' } end
return transition(item_key, channel, 'suspend')
