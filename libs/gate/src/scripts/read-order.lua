--[[
  Reads one order in one step with what its status and times follow from.
    KEYS[1] item      hash  epoch, watermark
    KEYS[2] orders    hash  order id -> record
    KEYS[3] timeline  zset  watermark -> "<watermark>:<settledAtMs>"
    ARGV[1] epochFloor   ARGV[2] orderId
    Returns {'order', epoch, record, watermark, first timeline entry at or above its sequence, or ''}
      | {'unknownOrder', epoch} | {'notReady'}
]]
local item_key, orders_key, timeline_key = KEYS[1], KEYS[2], KEYS[3]
local epoch_floor, order_id = tonumber(ARGV[1]), ARGV[2]

--- @include "record"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark')
local epoch, watermark = tonumber(item[1]), tonumber(item[2])
if not epoch or not watermark or epoch < epoch_floor then return { 'notReady' } end
local record = redis.call('HGET', orders_key, order_id)
if not record then return { 'unknownOrder', epoch } end
local settled = {}
if record_state(record) == '-' then
  settled = redis.call('ZRANGEBYSCORE', timeline_key, record_sequence(record), '+inf', 'LIMIT', 0, 1)
end
return { 'order', epoch, record, watermark, settled[1] or '' }
