--[[
  Tells the gate what PostgreSQL has committed: raises the watermark, writes the states that do not follow from it,
  and trims the outbox up to it. A repeat changes nothing.
    KEYS[1] item      hash    epoch, state, watermark, version
    KEYS[2] shoppers  hash    shopper -> units
    KEYS[3] orders    hash    order id -> record
    KEYS[4] outbox    stream  orders not yet settled
    KEYS[5] timeline  zset    watermark -> "<watermark>:<settledAtMs>"
    ARGV[1] epoch   ARGV[2] watermark, 0 raises nothing   ARGV[3] watermarkOrderId   ARGV[4] settledAtMs
    ARGV[5] statesAfter, -1 where not known   ARGV[6] channel
    ARGV[7..] per state: orderId, state letter, shopper, quantity, changedAtMs
    Returns {'settled', trimmed} | {'otherEpoch', epoch} | {'gone'} | {'behind', watermark} | {'rewound'}
  `rewound`: the gate has no record of the watermark's order with that sequence, so it went back in time. The item is
  suspended, nothing is trimmed and no state is written.
  XTRIM is the first write: it runs in a full Redis, and what follows it runs too, so settling frees memory.
]]
local item_key, shoppers_key, orders_key, outbox_key, timeline_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, watermark, watermark_order_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local settled_at, states_after, channel = ARGV[4], tonumber(ARGV[5]), ARGV[6]

--- @include "give-back"
--- @include "record"
--- @include "transition"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark')
local found_epoch, found_watermark = tonumber(item[1]), tonumber(item[2])
if not found_epoch or not found_watermark then return { 'gone' } end
if found_epoch ~= epoch then return { 'otherEpoch', found_epoch } end

if watermark > 0 then
  local record = redis.call('HGET', orders_key, watermark_order_id)
  if not record or record_sequence(record) ~= watermark then
    transition(item_key, channel, 'suspend')
    return { 'rewound' }
  end
end
if states_after > found_watermark then return { 'behind', found_watermark } end

local HEAD, FIELDS = 6, 5
local total = (#ARGV - HEAD) / FIELDS
local records = {}
if total > 0 then
  local order_ids = {}
  for index = 1, total do order_ids[index] = ARGV[HEAD + (index - 1) * FIELDS + 1] end
  for index, record in ipairs(redis.call('HMGET', orders_key, unpack(order_ids))) do
    records[order_ids[index]] = record
  end
end

-- States before the watermark: an order never reads as confirmed because its own state is not written yet.
local trimmed = redis.call('XTRIM', outbox_key, 'MINID', string.format('%d-%d', epoch, watermark + 1))
for index = 1, total do
  local at = HEAD + (index - 1) * FIELDS
  local order_id, state, shopper, quantity = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local record = records[order_id]
  if record and RANKS[state] > record_rank(record) then
    if RANKS[state] == 2 then give_back(shoppers_key, shopper, quantity) end
    records[order_id] = record_with_state(record, state, tonumber(ARGV[at + 5]))
    redis.call('HSET', orders_key, order_id, records[order_id])
  end
end
if watermark > found_watermark then
  redis.call('ZADD', timeline_key, watermark, string.format('%d:%s', watermark, settled_at))
  redis.call('HSET', item_key, 'watermark', watermark)
end
return { 'settled', trimmed }
