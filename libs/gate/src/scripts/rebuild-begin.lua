--[[
  Begins to build an item's gate anew: what an older epoch left behind goes, and an unfinished item takes its place. It
  has neither sequence nor watermark nor stock, so that until `rebuild-end` nothing is sold, read, cancelled, given back
  or taken.
    KEYS[1] item      hash     KEYS[2] stock     string
    KEYS[3] shoppers  hash     KEYS[4] orders    hash
    KEYS[5] outbox    stream   KEYS[6] changes   hash
    KEYS[7] timeline  zset     KEYS[8] lease     hash
    KEYS[9] passes    set
    ARGV[1] epoch   ARGV[2] limit   ARGV[3] opensAtMs   ARGV[4] closesAtMs   ARGV[5] holdMs   ARGV[6] version
    ARGV[7] closedBy: which attempt closed the gate
    Returns {'begun'} | {'otherEpoch', epoch} | {'otherGate'}
  `otherEpoch`: the gate has this epoch or a newer one. `otherGate`: this is not the gate that was closed and whose outbox
  was read, since a failover or another attempt came between, and it may have sold. A key of whatever type goes.
  UNLINK is the first write: it runs in a full Redis, and what follows it runs too.
]]
local item_key, stock_key, shoppers_key, orders_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local outbox_key, changes_key, timeline_key, lease_key, passes_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local epoch, limit, opens, closes, hold, version = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local closed_by = ARGV[7]

--- @include "server"

local is_item = redis.call('TYPE', item_key).ok == 'hash'
local item = is_item and redis.call('HMGET', item_key, 'epoch', 'watermark', 'closedBy') or {}
local found, watermark = tonumber(item[1]), item[2]
if found and found >= tonumber(epoch) then return { 'otherEpoch', found } end
-- Without a watermark it never sold anything: an earlier attempt left it unfinished.
if watermark and item[3] ~= closed_by then return { 'otherGate' } end

redis.call('UNLINK', item_key, stock_key, shoppers_key, orders_key, outbox_key, changes_key, timeline_key, lease_key,
  passes_key)
local run = run_of_server()
-- `rebuilding`: the last order that is written.
redis.call('HSET', item_key, 'epoch', epoch, 'state', 'suspended', 'opens', opens, 'closes', closes, 'limit', limit,
  'hold', hold, 'version', version, 'rebuilding', '', 'server', run, 'compared', run)
return { 'begun' }
