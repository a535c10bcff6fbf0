--[[
  Tells the gate what PostgreSQL has committed: raises the watermark, writes the states that do not follow from it,
  and trims the outbox up to it. A repeat changes nothing.
    KEYS[1] item      hash    epoch, state, watermark, version
    KEYS[2] shoppers  hash    shopper -> units
    KEYS[3] orders    hash    order id -> record
    KEYS[4] outbox    stream  orders and intents not yet settled
    KEYS[5] timeline  zset    watermark -> "<watermark>:<settledAtMs>"
    ARGV[1] epoch   ARGV[2] watermark, 0 raises nothing   ARGV[3] watermarkOrderId
    ARGV[4] statesAfter, -1 where not known   ARGV[5] channel   ARGV[6] how many runs
    ARGV[7..] per run: upTo, settledAtMs; then per state: orderId, state letter, shopper, quantity, changedAtMs
    Returns {'settled', trimmed} | {'otherEpoch', epoch} | {'gone'} | {'notReady'} | {'behind', watermark} | {'rewound'}
  `notReady`: the gate of this epoch is not finished: try again later.
  `rewound`: the gate has no record of the watermark's order with that sequence, as its own or as its intent's, so it
  went back in time. The item is suspended, nothing is trimmed and no state is written.
  XTRIM is the first write: it runs in a full Redis, and what follows it runs too, so settling frees memory. All that
  is written after it was read before, so that a foreign type is found while nothing is written.
]]
local item_key, shoppers_key, orders_key, outbox_key, timeline_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, watermark, watermark_order_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local states_after, channel, runs = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])

--- @include "announce-orders"
--- @include "counts"
--- @include "record-changes"
--- @include "transition"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark')
local found_epoch, found_watermark = tonumber(item[1]), tonumber(item[2])
if not found_epoch then return { 'gone' } end
if found_epoch ~= epoch then return { 'otherEpoch', found_epoch } end
if not found_watermark then return { 'notReady' } end

if watermark > 0 then
  local record = redis.call('HGET', orders_key, watermark_order_id)
  if not record or not record_has_sequence(record, watermark) then
    transition(item_key, channel, 'suspend')
    return { 'rewound' }
  end
end
if states_after > found_watermark then return { 'behind', found_watermark } end

local HEAD, RUN_FIELDS, FIELDS = 6, 2, 5
local states_at = HEAD + runs * RUN_FIELDS
local total = (#ARGV - states_at) / FIELDS
local order_ids, shoppers, records = {}, {}, {}
for index = 1, total do
  local at = states_at + (index - 1) * FIELDS
  order_ids[index], shoppers[index] = ARGV[at + 1], ARGV[at + 3]
end
if total > 0 then
  for index, record in ipairs(redis.call('HMGET', orders_key, unpack(order_ids))) do
    records[order_ids[index]] = record
  end
end
local counts = read_counts(shoppers_key, shoppers)
if runs > 0 then redis.call('ZCARD', timeline_key) end

local new_records, changed_ids = {}, {}
for index = 1, total do
  local at = states_at + (index - 1) * FIELDS
  local order_id, state, quantity = order_ids[index], ARGV[at + 2], tonumber(ARGV[at + 4])
  local record = records[order_id]
  local moved = record and record_forward(record, state, tonumber(ARGV[at + 5]))
  if moved then
    if RANKS[state] == 2 then take_off(counts, shoppers[index], quantity) end
    records[order_id] = moved
    new_records[#new_records + 1] = order_id
    new_records[#new_records + 1] = moved
    changed_ids[#changed_ids + 1] = order_id
  end
end

-- States before the watermark: an order never reads as confirmed because its own state is not written yet.
local trimmed = redis.call('XTRIM', outbox_key, 'MINID', string.format('%d-%d', epoch, watermark + 1))
if #new_records > 0 then redis.call('HSET', orders_key, unpack(new_records)) end
write_counts(shoppers_key, counts)
for run = 1, runs do
  local at = HEAD + (run - 1) * RUN_FIELDS
  local up_to, settled_at = tonumber(ARGV[at + 1]), ARGV[at + 2]
  if up_to > found_watermark then
    redis.call('ZADD', timeline_key, up_to, string.format('%d:%s', up_to, settled_at))
  end
end
local risen = watermark > found_watermark
if risen then redis.call('HSET', item_key, 'watermark', watermark) end
if risen or #changed_ids > 0 then
  announce_orders(channel, math.max(watermark, found_watermark), changed_ids)
end
return { 'settled', trimmed }
