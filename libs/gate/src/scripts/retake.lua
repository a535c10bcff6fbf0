--[[
  Takes units from the stock and adds them to a shopper's count, once per change id and only in its epoch: for an order
  that had ended and is paid late. Also in a paused or closed item; the order's record is not asked.
    KEYS[1] item      hash    epoch, state, limit
    KEYS[2] stock     string  units available
    KEYS[3] shoppers  hash    shopper -> units
    KEYS[4] changes   hash    change id -> delta
    ARGV[1] epoch   ARGV[2] changeId   ARGV[3] shopper   ARGV[4] quantity
    Returns {'taken'} | {'done'} | {'insufficient'} | {'shopperLimit'} | {'notReady'} | {'gone'}
  `done`: taken before by this change, or counted by the rebuild that made a newer epoch. `notReady`: an older epoch,
  the stock is missing, or suspended, where it says nothing until the rebuild.
]]
local item_key, stock_key, shoppers_key, changes_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, change_id, shopper, quantity = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])

--- @include "changes"
--- @include "stock"

local item = redis.call('HMGET', item_key, 'epoch', 'state', 'limit')
local found, state, limit = tonumber(item[1]), item[2], tonumber(item[3])
if not found then return { 'gone' } end
if found < epoch then return { 'notReady' } end
if found > epoch or redis.call('HEXISTS', changes_key, change_id) == 1 then return { 'done' } end
local available = whole(redis.call('GET', stock_key))
if not available or not limit or state == 'suspended' then return { 'notReady' } end
local count = (tonumber(redis.call('HGET', shoppers_key, shopper)) or 0) + quantity
if count > limit then return { 'shopperLimit' } end
if available < quantity then return { 'insufficient' } end

remember_changes(changes_key, item_key, { change_id, -quantity })
redis.call('DECRBY', stock_key, quantity)
redis.call('HSET', shoppers_key, shopper, count)
return { 'taken' }
