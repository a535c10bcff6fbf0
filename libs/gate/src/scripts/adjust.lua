--[[
  Adds units to the stock or takes them, once per change id and only in its epoch. Never below 0.
    KEYS[1] item     hash    epoch, state, version
    KEYS[2] stock    string  units available
    KEYS[3] changes  hash    change id -> delta
    ARGV[1] epoch   ARGV[2] changeId   ARGV[3] delta   ARGV[4] channel
    Returns {'applied', available} | {'done'} | {'insufficient', available} | {'notReady'}
  `done`: applied before, or counted by the rebuild that made a newer epoch. `notReady`: keys missing, an older epoch,
  or suspended, where the stock says nothing until the rebuild.
]]
local item_key, stock_key, changes_key = KEYS[1], KEYS[2], KEYS[3]
local epoch, change_id, delta, channel = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]

--- @include "announce"
--- @include "changes"
--- @include "stock"

local item = redis.call('HMGET', item_key, 'epoch', 'state')
local found = tonumber(item[1])
if not found or found < epoch then return { 'notReady' } end
if found > epoch then return { 'done' } end
if redis.call('HEXISTS', changes_key, change_id) == 1 then return { 'done' } end
local available = whole(redis.call('GET', stock_key))
if not available or item[2] == 'suspended' then return { 'notReady' } end
if available + delta < 0 then return { 'insufficient', available } end

remember_changes(changes_key, item_key, { change_id, delta })
redis.call('INCRBY', stock_key, delta)
if delta > 0 then announce(item_key, channel) end
return { 'applied', available + delta }
