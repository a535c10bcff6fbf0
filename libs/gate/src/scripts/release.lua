--[[
  Gives units back, once per change id and only in its epoch: to the stock, and off the shopper's count unless an
  earlier ending state did that. A record's state only goes forward, from accepted or confirmed.
    KEYS[1] item      hash    epoch, watermark, version
    KEYS[2] stock     string  units available
    KEYS[3] shoppers  hash    shopper -> units
    KEYS[4] orders    hash    order id -> record
    KEYS[5] changes   hash    change id -> delta
    ARGV[1] epoch   ARGV[2] channel
    ARGV[3..] per release: changeId, orderId, state letter, shopper, units, counted, changedAtMs
    Returns {'released', how many were new} | {'done'} | {'notReady'}
  An order that the gate never gave units to (no record, or rejected) has none to give back. With '' for the state the
  record is not asked. `done`: the item has ended, or a newer epoch has counted all this.
  Everything is read first. The first write is the one that a full Redis refuses.
]]
local item_key, stock_key, shoppers_key, orders_key, changes_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, channel = tonumber(ARGV[1]), ARGV[2]

--- @include "announce"
--- @include "announce-orders"
--- @include "changes"
--- @include "counts"
--- @include "record-changes"
--- @include "stock"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark')
local found, watermark = tonumber(item[1]), tonumber(item[2]) or 0
if not found or found > epoch then return { 'done' } end
if found < epoch or not whole(redis.call('GET', stock_key)) then return { 'notReady' } end

local HEAD, FIELDS = 2, 7
local total = (#ARGV - HEAD) / FIELDS
local change_ids, order_ids, shoppers = {}, {}, {}
for index = 1, total do
  local at = HEAD + (index - 1) * FIELDS
  change_ids[index], order_ids[index], shoppers[index] = ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
end
local known, records = {}, {}
for index, delta in ipairs(redis.call('HMGET', changes_key, unpack(change_ids))) do
  known[change_ids[index]] = delta
end
for index, record in ipairs(redis.call('HMGET', orders_key, unpack(order_ids))) do
  records[order_ids[index]] = record
end
local counts = read_counts(shoppers_key, shoppers)

local given = 0
local new_changes, new_records, changed_ids = {}, {}, {}
for index = 1, total do
  local at = HEAD + (index - 1) * FIELDS
  local change_id, order_id, state = change_ids[index], order_ids[index], ARGV[at + 3]
  local units, counted, changed_at = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local record = records[order_id]
  local applies = state == '' or record and record_state(record) ~= 'r'
  if applies and not known[change_id] then
    known[change_id] = true
    new_changes[#new_changes + 1] = change_id
    new_changes[#new_changes + 1] = units
    given = given + units
    local moved = state ~= '' and record_forward(record, state, changed_at)
    if moved then
      records[order_id] = moved
      new_records[#new_records + 1] = order_id
      new_records[#new_records + 1] = moved
      changed_ids[#changed_ids + 1] = order_id
    end
    if moved or state == '' then take_off(counts, shoppers[index], counted) end
  end
end

if #new_changes > 0 then
  remember_changes(changes_key, item_key, new_changes)
  if given > 0 then redis.call('INCRBY', stock_key, given) end
  if #new_records > 0 then redis.call('HSET', orders_key, unpack(new_records)) end
  write_counts(shoppers_key, counts)
  if given > 0 then announce(item_key, channel) end
  if #changed_ids > 0 then announce_orders(channel, watermark, changed_ids) end
end
return { 'released', #new_changes / 2 }
