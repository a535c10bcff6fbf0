--[[
  Puts a pseudonym in a shopper's place: in the counts, and in those of the given orders' records that are the shopper's.
  Units stay counted. A repeat changes nothing.
    KEYS[1] item      hash  whether the item is there
    KEYS[2] shoppers  hash  shopper -> units
    KEYS[3] orders    hash  order id -> record
    ARGV[1] shopper   ARGV[2] shopperHash   ARGV[3] pseudonym   ARGV[4] pseudonym's hash   ARGV[5..] order ids
    Returns {'forgotten'} | {'gone'}
  HDEL is the first write where there is a count: it runs in a full Redis, and what follows it runs too.
]]
local item_key, shoppers_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local shopper, shopper_hash, pseudonym, pseudonym_hash = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

--- @include "record-changes"

if redis.call('EXISTS', item_key) == 0 then return { 'gone' } end
local HEAD = 4
local renamed = {}
if #ARGV > HEAD then
  local order_ids = { unpack(ARGV, HEAD + 1) }
  for index, record in ipairs(redis.call('HMGET', orders_key, unpack(order_ids))) do
    if record and record_shopper_hash(record) == shopper_hash then
      renamed[#renamed + 1] = order_ids[index]
      renamed[#renamed + 1] = record_of_shopper(record, pseudonym_hash)
    end
  end
end

local counts = redis.call('HMGET', shoppers_key, shopper, pseudonym)
if counts[1] then
  redis.call('HDEL', shoppers_key, shopper)
  -- What the shopper bought after an earlier call comes on top.
  local units = (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0)
  redis.call('HSET', shoppers_key, pseudonym, string.format('%d', units))
end
if #renamed > 0 then redis.call('HSET', orders_key, unpack(renamed)) end
return { 'forgotten' }
