--[[
  Closes an item for the rebuild that throws its gate away: from now on it sells nothing, and its outbox gets nothing.
    KEYS[1] item  hash  epoch, state, closedBy
    ARGV[1] epoch in which it was seen   ARGV[2] closedBy: which attempt this is   ARGV[3] channel
    Returns {'closed'} | {'gone'} | {'otherEpoch', epoch}
  `gone`: there is no item, so nothing can be sold of it.
  HDEL is the first write: it runs in a full Redis, and what follows it runs too.
]]
local item_key = KEYS[1]
local epoch, closed_by, channel = tonumber(ARGV[1]), ARGV[2], ARGV[3]

if redis.call('TYPE', item_key).ok ~= 'hash' then return { 'gone' } end
local found = tonumber(redis.call('HGET', item_key, 'epoch')) or 0
if found ~= epoch then return { 'otherEpoch', found } end
redis.call('HDEL', item_key, 'closedBy')
redis.call('HSET', item_key, 'state', 'suspended', 'closedBy', closed_by)
redis.call('PUBLISH', channel, 'stock')
return { 'closed' }
