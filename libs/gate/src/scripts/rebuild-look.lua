--[[
  Looks whether an item's gate is whole, as it is at work, or lacks something that only a rebuild brings back.
    KEYS[1] item      hash     KEYS[2] stock     string
    KEYS[3] shoppers  hash     KEYS[4] orders    hash
    KEYS[5] outbox    stream   KEYS[6] changes   hash
    KEYS[7] timeline  zset     KEYS[8] lease     hash
    KEYS[9] passes    set
    Returns {'whole', epoch, state, watermark, outbox readable: 1}
      | {'broken', epoch or 0, what is wrong, outbox readable: 1 or 0}
]]
local item_key, stock_key, shoppers_key, orders_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local outbox_key, changes_key, timeline_key, lease_key, passes_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]

--- @include "stock"

local EXPECTED = {
  { 'item', item_key, 'hash' }, { 'stock', stock_key, 'string' }, { 'shoppers', shoppers_key, 'hash' },
  { 'orders', orders_key, 'hash' }, { 'outbox', outbox_key, 'stream' }, { 'changes', changes_key, 'hash' },
  { 'timeline', timeline_key, 'zset' }, { 'lease', lease_key, 'hash' },
  { 'passes', passes_key, 'set' },
}
local FIELDS = { 'epoch', 'opens', 'closes', 'limit', 'sequence', 'watermark', 'version' }

local found, foreign = {}, nil
for _, expected in ipairs(EXPECTED) do
  local name, key, kind = expected[1], expected[2], expected[3]
  found[name] = redis.call('TYPE', key).ok
  if found[name] ~= 'none' and found[name] ~= kind then foreign = foreign or name end
end
local readable = (found.outbox == 'stream' or found.outbox == 'none') and 1 or 0
local item = found.item == 'hash' and redis.call('HMGET', item_key, 'state', unpack(FIELDS)) or {}
local state, epoch, sequence, watermark = item[1], tonumber(item[2]), tonumber(item[6]), tonumber(item[7])
local function broken(what)
  return { 'broken', epoch or 0, what, readable }
end

if foreign then return broken(foreign .. ' has a foreign type') end
if found.item == 'none' then return broken('item is missing') end
if not state then return broken('item lacks state') end
for index, field in ipairs(FIELDS) do
  if not tonumber(item[index + 1]) then return broken('item lacks ' .. field) end
end
if found.stock == 'none' then return broken('stock is missing') end
if not whole(redis.call('GET', stock_key)) then return broken('stock is not a number of units') end
-- Whoever numbered an order wrote these two in the same step.
if sequence > 0 and found.orders == 'none' then return broken('orders are missing') end
if sequence > 0 and found.shoppers == 'none' then return broken('shoppers are missing') end
return { 'whole', epoch, state, watermark, readable }
