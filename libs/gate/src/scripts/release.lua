--[[
  Gives back the units of an order that ended, once and only in its epoch: to the stock, and off the shopper's count
  unless an earlier ending state did that. The record's state only goes forward, from accepted or confirmed.
    KEYS[1] item      hash    epoch, version
    KEYS[2] stock     string  units available
    KEYS[3] shoppers  hash    shopper -> units
    KEYS[4] orders    hash    order id -> record
    KEYS[5] changes   hash    change id -> delta
    ARGV[1] epoch   ARGV[2] orderId   ARGV[3] state letter   ARGV[4] shopper   ARGV[5] quantity
    ARGV[6] changedAtMs   ARGV[7] channel
    Returns {'released', available} | {'done'} | {'notReady'}
  `done` also where the item has ended, where the gate never gave away the order's units (no record, or rejected):
  they are in its stock already.
]]
local item_key, stock_key, shoppers_key, orders_key, changes_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, order_id, state, shopper = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local quantity, changed_at, channel = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

--- @include "announce"
--- @include "changes"
--- @include "give-back"
--- @include "record"
--- @include "stock"

local found = tonumber(redis.call('HGET', item_key, 'epoch'))
if not found or found > epoch then return { 'done' } end
if found < epoch then return { 'notReady' } end
local change_id = 'release:' .. order_id
if redis.call('HEXISTS', changes_key, change_id) == 1 then return { 'done' } end
local available = whole(redis.call('GET', stock_key))
if not available then return { 'notReady' } end
local record = redis.call('HGET', orders_key, order_id)
if not record or record_state(record) == 'r' then return { 'done' } end

remember_change(changes_key, item_key, change_id, quantity)
redis.call('INCRBY', stock_key, quantity)
if record_rank(record) < RANKS[state] then
  redis.call('HSET', orders_key, order_id, record_with_state(record, state, changed_at))
  give_back(shoppers_key, shopper, quantity)
end
announce(item_key, channel)
return { 'released', available + quantity }
