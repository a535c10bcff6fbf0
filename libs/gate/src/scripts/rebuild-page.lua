--[[
  Writes orders into an unfinished gate and adds their live units to their shoppers' counts. Pages follow each other by
  order id; one that is written already changes nothing.
    KEYS[1] item      hash  epoch, rebuilding: the last order that is written
    KEYS[2] shoppers  hash  shopper -> units
    KEYS[3] orders    hash  order id -> record
    ARGV[1] epoch   ARGV[2] last order of the page before, '' for none   ARGV[3] last order of this page
    ARGV[4] how many orders   ARGV[5..] per order: order id, record; then per shopper: shopper, live units, perhaps 0
    Returns {'written'} | {'repeated'} | {'otherEpoch', epoch or 0} | {'outOfStep'}
  `outOfStep`: the page before is not there, or the gate is finished.
  Everything is read first. HSET of the records is the first write, which a full Redis refuses.
]]
local item_key, shoppers_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local epoch, before, last, total = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])

local item = redis.call('HMGET', item_key, 'epoch', 'rebuilding')
local found, written = tonumber(item[1]), item[2]
if found ~= epoch then return { 'otherEpoch', found or 0 } end
if written == last then return { 'repeated' } end
if written ~= before then return { 'outOfStep' } end

local HEAD = 4
local shoppers_at = HEAD + total * 2
local shoppers, counts = {}, {}
for at = shoppers_at + 1, #ARGV, 2 do shoppers[#shoppers + 1] = ARGV[at] end
for index, units in ipairs(redis.call('HMGET', shoppers_key, unpack(shoppers))) do
  counts[#counts + 1] = shoppers[index]
  counts[#counts + 1] = string.format('%d', (tonumber(units) or 0) + tonumber(ARGV[shoppers_at + index * 2]))
end

redis.call('HSET', orders_key, unpack(ARGV, HEAD + 1, shoppers_at))
redis.call('HSET', shoppers_key, unpack(counts))
redis.call('HSET', item_key, 'rebuilding', last)
return { 'written' }
