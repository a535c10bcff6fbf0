--[[
  Dates the end of every key of a closed item whose outbox is empty. Until then replays and reads go on.
    KEYS[1] current   string        KEYS[2] item      hash
    KEYS[3] stock     string        KEYS[4] shoppers  hash
    KEYS[5] orders    hash          KEYS[6] outbox    stream
    KEYS[7] changes   hash          KEYS[8] timeline  zset
    KEYS[9] lease     hash          KEYS[10] passes   set
    ARGV[1] saleId   ARGV[2] endsAtMs
    Returns {'retired'} | {'refused', state, outbox length} | {'gone'}
]]
local current_key, item_key, stock_key, shoppers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local orders_key, outbox_key, changes_key, timeline_key, lease_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local passes_key = KEYS[10]
local sale_id, ends_at = ARGV[1], ARGV[2]

local state = redis.call('HGET', item_key, 'state')
if not state then return { 'gone' } end
local unsettled = redis.call('XLEN', outbox_key)
if state ~= 'closed' or unsettled > 0 then return { 'refused', state, unsettled } end

local ending = {
  item_key, stock_key, shoppers_key, orders_key, outbox_key, changes_key, timeline_key, lease_key, passes_key,
}
-- `current` is the product's: a later sale of it may have it by now.
if redis.call('GET', current_key) == sale_id then ending[#ending + 1] = current_key end
for _, key in ipairs(ending) do redis.call('PEXPIREAT', key, ends_at) end
return { 'retired' }
