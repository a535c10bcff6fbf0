--[[
  Takes units for each request of one item, or says why not. Each request sees the outcomes of those before it.
    KEYS[1] current   string  id of the product's open sale
    KEYS[2] item      hash    epoch, state, opens, closes, limit, sequence, version
    KEYS[3] stock     string  units available
    KEYS[4] shoppers  hash    shopper -> units
    KEYS[5] orders    hash    order id -> record
    KEYS[6] outbox    stream  orders not yet settled
    ARGV[1] epochFloor   an older gate answers notReady; 0 where none is known
    ARGV[2] saleId
    ARGV[3..] per request: orderId, shopper, quantity, fingerprint, shopperHash, named (1: the sale was named)
    Returns {epoch or 0, now in ms, and per request, in order, one text of words}
      accepted <sequence> | replayed <record> | reused
      moved <saleId> | notReady | closed | notOpen early <opensInMs> | notOpen paused 0
      shopperLimit <limit> | soldOut <version> <available>
  Texts, not tables: a table a request costs Redis 2 us more to send.
  All outcomes come first and all writes last, since Lua does not roll back. XADD is the first write: whatever Redis
  may refuse (out of memory, a foreign type, an id that is too small) it refuses there, before anything is written.
]]
local current_key, item_key, stock_key = KEYS[1], KEYS[2], KEYS[3]
local shoppers_key, orders_key, outbox_key = KEYS[4], KEYS[5], KEYS[6]
local epoch_floor, sale_id = tonumber(ARGV[1]), ARGV[2]

--- @include "record"
--- @include "stock"

local HEAD, FIELDS = 2, 6
local total = (#ARGV - HEAD) / FIELDS

local item = redis.call('HMGET', item_key, 'epoch', 'state', 'opens', 'closes', 'limit', 'sequence', 'version')
local epoch, state = tonumber(item[1]), item[2]
local opens, closes, limit = tonumber(item[3]), tonumber(item[4]), tonumber(item[5])
local sequence, version = tonumber(item[6]), tonumber(item[7])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replies = { epoch or 0, now }
local complete = epoch and state and opens and closes and limit and sequence and version
if not complete or epoch < epoch_floor then
  for request = 1, total do replies[request + 2] = 'notReady' end
  return replies
end

local available = whole(redis.call('GET', stock_key))
local current = redis.call('GET', current_key)

local order_ids, shopper_ids = {}, {}
for request = 1, total do
  local at = HEAD + (request - 1) * FIELDS
  order_ids[request], shopper_ids[request] = ARGV[at + 1], ARGV[at + 2]
end
local records_read = redis.call('HMGET', orders_key, unpack(order_ids))
local counts_read = redis.call('HMGET', shoppers_key, unpack(shopper_ids))
local records, counts = {}, {}
for request = 1, total do
  records[order_ids[request]] = records_read[request]
  counts[shopper_ids[request]] = tonumber(counts_read[request]) or 0
end

-- What every new request gets, or nil where each is judged on its own.
local function refusal()
  if state == 'suspended' or not available then return 'notReady' end
  if state == 'closed' or now >= closes then return 'closed' end
  if now < opens then return string.format('notOpen early %d', opens - now) end
  if state == 'paused' then return 'notOpen paused 0' end
  return nil
end
local refused = refusal()

local first = sequence + 1
local taken = 0
local lines, new_records, counts_changed = {}, {}, {}

for request = 1, total do
  local at = HEAD + (request - 1) * FIELDS
  local order_id, shopper, units = order_ids[request], shopper_ids[request], ARGV[at + 3]
  local fingerprint, shopper_hash, named = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6] == '1'
  local quantity = tonumber(units)
  local record = records[order_id]
  local reply
  if record then
    reply = has_fingerprint(record, fingerprint) and 'replayed ' .. record or 'reused'
  elseif not named and current ~= sale_id then
    reply = current and 'moved ' .. current or 'notReady'
  elseif refused then
    reply = refused
  elseif counts[shopper] + quantity > limit then
    reply = 'shopperLimit ' .. limit
  elseif available - taken < quantity then
    reply = string.format('soldOut %d %d', version, available - taken)
  else
    sequence = sequence + 1
    taken = taken + quantity
    counts[shopper] = counts[shopper] + quantity
    counts_changed[shopper] = true
    record = new_record(sequence, units, now, fingerprint, shopper_hash)
    records[order_id] = record
    new_records[#new_records + 1] = order_id
    new_records[#new_records + 1] = record
    lines[#lines + 1] = order_id .. ' ' .. shopper .. ' ' .. units .. ' ' .. fingerprint
    reply = 'accepted ' .. sequence
  end
  replies[request + 2] = reply
end

if taken > 0 then
  local new_counts = {}
  for shopper in pairs(counts_changed) do
    new_counts[#new_counts + 1] = shopper
    new_counts[#new_counts + 1] = counts[shopper]
  end
  local id = string.format('%d-%d', epoch, sequence)
  redis.call('XADD', outbox_key, id, 'first', first, 'at', now, 'orders', table.concat(lines, '\n'))
  redis.call('DECRBY', stock_key, taken)
  redis.call('HSET', orders_key, unpack(new_records))
  redis.call('HSET', shoppers_key, unpack(new_counts))
  redis.call('HSET', item_key, 'sequence', sequence)
end
return replies
