--[[
  Writes orders into an unfinished gate, adds their live units to their shoppers' counts and the passes that they redeemed
  to those that are good for no other order. Pages follow each other by order id; one that is written already changes
  nothing.
    KEYS[1] item      hash  epoch, rebuilding: the last order that is written
    KEYS[2] shoppers  hash  shopper -> units
    KEYS[3] orders    hash  order id -> record
    KEYS[4] passes    set   ids of the passes that were redeemed
    ARGV[1] epoch   ARGV[2] last order of the page before, '' for none   ARGV[3] last order of this page
    ARGV[4] how many orders   ARGV[5] how many shoppers
    ARGV[6..] per order: order id, record; then per shopper: shopper, live units, perhaps 0; then the passes' ids
    Returns {'written'} | {'repeated'} | {'otherEpoch', epoch or 0} | {'outOfStep'}
  `outOfStep`: the page before is not there, or the gate is finished.
  Everything is read first: SCARD finds a foreign type. HSET of the records is the first write, which a full Redis refuses.
]]
local item_key, shoppers_key, orders_key, passes_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, before, last, total = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local total_shoppers = tonumber(ARGV[5])

local item = redis.call('HMGET', item_key, 'epoch', 'rebuilding')
local found, written = tonumber(item[1]), item[2]
if found ~= epoch then return { 'otherEpoch', found or 0 } end
if written == last then return { 'repeated' } end
if written ~= before then return { 'outOfStep' } end

local HEAD = 5
local shoppers_at = HEAD + total * 2
local passes_at = shoppers_at + total_shoppers * 2
local shoppers, counts = {}, {}
for at = shoppers_at + 1, passes_at, 2 do shoppers[#shoppers + 1] = ARGV[at] end
for index, units in ipairs(redis.call('HMGET', shoppers_key, unpack(shoppers))) do
  counts[#counts + 1] = shoppers[index]
  counts[#counts + 1] = string.format('%d', (tonumber(units) or 0) + tonumber(ARGV[shoppers_at + index * 2]))
end
redis.call('SCARD', passes_key)

redis.call('HSET', orders_key, unpack(ARGV, HEAD + 1, shoppers_at))
redis.call('HSET', shoppers_key, unpack(counts))
if #ARGV > passes_at then redis.call('SADD', passes_key, unpack(ARGV, passes_at + 1)) end
redis.call('HSET', item_key, 'rebuilding', last)
return { 'written' }
