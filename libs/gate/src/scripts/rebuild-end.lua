--[[
  Finishes a gate whose orders are all written: from now on it is at work, in the state that is given.
    KEYS[1] current  string  id of the product's open sale
    KEYS[2] item     hash    epoch, rebuilding, closedBy, state, sequence, watermark, version
    KEYS[3] stock    string  units available
    ARGV[1] epoch   ARGV[2] last order of all, '' for none   ARGV[3] available   ARGV[4] state
    ARGV[5] saleId where the sale is the product's current one, else ''   ARGV[6] channel
    Returns {'finished'} | {'repeated'} | {'otherEpoch', epoch or 0} | {'outOfStep'} | {'otherGate'}
  A closed sale becomes the current one only where there is none: another may have opened meanwhile.
  `repeated`: finished before, and perhaps sold on since: nothing changes. `outOfStep`: orders are not written yet.
  `otherGate`: another attempt has closed it since it was begun; nothing may be sold that this one would not know of.
  SET is the first write, which a full Redis refuses.
]]
local current_key, item_key, stock_key = KEYS[1], KEYS[2], KEYS[3]
local epoch, last, available, state, sale_id, channel =
  tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

--- @include "announce"

local item = redis.call('HMGET', item_key, 'epoch', 'rebuilding', 'closedBy')
local found, written = tonumber(item[1]), item[2]
if found ~= epoch then return { 'otherEpoch', found or 0 } end
if not written then return { 'repeated' } end
if written ~= last then return { 'outOfStep' } end
if item[3] then return { 'otherGate' } end

redis.call('SET', stock_key, available)
redis.call('HSET', item_key, 'state', state, 'sequence', 0, 'watermark', 0)
redis.call('HDEL', item_key, 'rebuilding')
if sale_id ~= '' and state == 'closed' then
  redis.call('SETNX', current_key, sale_id)
elseif sale_id ~= '' then
  redis.call('SET', current_key, sale_id)
end
announce(item_key, channel)
return { 'finished' }
