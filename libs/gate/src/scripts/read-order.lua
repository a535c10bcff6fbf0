--[[
  Reads orders in one step with what their status and times follow from.
    KEYS[1] item      hash  epoch, state, watermark, hold, server
    KEYS[2] orders    hash  order id -> record
    KEYS[3] timeline  zset  watermark -> "<watermark>:<settledAtMs>"
    ARGV[1] epochFloor   ARGV[2..] order ids
    Returns {'orders', epoch, watermark, hold or '', and per order: record or '' or '?', timeline entry or ''}
      | {'notReady'}
  `?`: there is none, but the gate has gone back in time, or it has not been looked into whether it has.
]]
local item_key, orders_key, timeline_key = KEYS[1], KEYS[2], KEYS[3]
local epoch_floor = tonumber(ARGV[1])

--- @include "order-view"
--- @include "server"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark', 'hold', 'state', 'server')
local epoch, watermark = tonumber(item[1]), tonumber(item[2])
if not epoch or not watermark or epoch < epoch_floor then return { 'notReady' } end
local reply = { 'orders', epoch, watermark, item[3] or '' }
local missing
local function missing_record()
  missing = missing or ((item[4] == 'suspended' or may_have_forgotten(item_key, item[5])) and '?' or '')
  return missing
end
for _, record in ipairs(redis.call('HMGET', orders_key, unpack(ARGV, 2))) do
  reply[#reply + 1] = record or missing_record()
  reply[#reply + 1] = record and settled_entry(timeline_key, record) or ''
end
return reply
