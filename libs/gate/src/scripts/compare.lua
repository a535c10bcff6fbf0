--[[
  Whether the gate still knows what it was told of some orders. One that does not is suspended at once.
    KEYS[1] item    hash  epoch, watermark, state, version
    KEYS[2] orders  hash  order id -> record
    ARGV[1] epoch   ARGV[2] channel   ARGV[3..] per order: orderId, letter of the state that it was told
    Returns {'equal'} | {'unsettled', orderId} | {'behind', orderId} | {'otherEpoch', epoch or 0}
  `behind`: the order has no record, or is in an earlier state. `unsettled`: it is in an earlier state, and the watermark
  has not come to it again: what it will be told next may be that state.
]]
local item_key, orders_key = KEYS[1], KEYS[2]
local epoch, channel = tonumber(ARGV[1]), ARGV[2]

--- @include "record-changes"
--- @include "transition"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark')
local found, watermark = tonumber(item[1]) or 0, tonumber(item[2])
if found ~= epoch or not watermark then return { 'otherEpoch', found } end

local HEAD, FIELDS = 2, 2
local total = (#ARGV - HEAD) / FIELDS
local order_ids = {}
for index = 1, total do
  order_ids[index] = ARGV[HEAD + (index - 1) * FIELDS + 1]
end
-- A confirmed order's record says nothing of it: that follows from the watermark.
local SAID = 2
local behind, unsettled
for index, record in ipairs(redis.call('HMGET', orders_key, unpack(order_ids))) do
  local order_id, told = order_ids[index], RANKS[ARGV[HEAD + index * FIELDS]]
  local sequence = record and record_sequence(record)
  local is_earlier = sequence and told >= SAID and (RANKS[record_state(record)] or 0) < told
  if not sequence or (is_earlier and sequence <= watermark) then
    behind = behind or order_id
  elseif is_earlier then
    unsettled = unsettled or order_id
  end
end
if behind then
  transition(item_key, channel, 'suspend')
  return { 'behind', behind }
end
if unsettled then return { 'unsettled', unsettled } end
return { 'equal' }
