--[[
  Opens an item in the gate: state open, sequence and watermark 0, version 1, and the product's current sale.
    KEYS[1] current   string        KEYS[2] item      hash
    KEYS[3] stock     string        KEYS[4] shoppers  hash
    KEYS[5] orders    hash          KEYS[6] outbox    stream
    KEYS[7] changes   hash          KEYS[8] timeline  zset
    KEYS[9] lease     hash          KEYS[10] passes   set
    ARGV[1] saleId   ARGV[2] epoch   ARGV[3] available   ARGV[4] limit
    ARGV[5] opensAtMs   ARGV[6] closesAtMs   ARGV[7] holdMs   ARGV[8] channel
    Returns {'opened'} | {'alreadyOpened', state} | {'otherEpoch', epoch} | {'unsafe', key}
  `unsafe`: the key has a foreign type, or was left behind by an item that is not there. Nothing is changed then.
]]
local current_key, item_key, stock_key, shoppers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local orders_key, outbox_key, changes_key, timeline_key, lease_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local passes_key = KEYS[10]
local sale_id, epoch, available, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local opens, closes, hold, channel = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

-- A relay may lease the outbox before the item opens, and `current` may still name the product's last sale.
local EXPECTED = {
  { current_key, 'string', true }, { item_key, 'hash', true }, { stock_key, 'string', false },
  { shoppers_key, 'hash', false }, { orders_key, 'hash', false }, { outbox_key, 'stream', false },
  { changes_key, 'hash', false }, { timeline_key, 'zset', false }, { lease_key, 'hash', true },
  { passes_key, 'set', false },
}

local left_behind
for _, expected in ipairs(EXPECTED) do
  local key, kind, may_exist = expected[1], expected[2], expected[3]
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' then
    if found ~= kind then return { 'unsafe', key } end
    if not may_exist then left_behind = left_behind or key end
  end
end

--- @include "server"

local item = redis.call('HMGET', item_key, 'epoch', 'state')
if item[1] == epoch then return { 'alreadyOpened', item[2] } end
if item[1] then return { 'otherEpoch', tonumber(item[1]) } end
if left_behind then return { 'unsafe', left_behind } end

local run = run_of_server()
redis.call('HSET', item_key, 'epoch', epoch, 'state', 'open', 'opens', opens, 'closes', closes, 'limit', limit,
  'hold', hold, 'sequence', 0, 'watermark', 0, 'version', 1, 'server', run, 'compared', run)
redis.call('SET', stock_key, available)
redis.call('SET', current_key, sale_id)
redis.call('PUBLISH', channel, 'stock')
return { 'opened' }
