--[[
  Puts a stock right that does not agree with the ledger: adds units or takes them, once per change id and only while
  the gate is at the epoch and the version that were seen. Takes no more than there are.
    KEYS[1] item     hash    epoch, state, version
    KEYS[2] stock    string  units available
    KEYS[3] changes  hash    change id -> delta
    ARGV[1] epoch   ARGV[2] version   ARGV[3] changeId   ARGV[4] delta   ARGV[5] channel
    Returns {'applied', delta, available} | {'done', delta} | {'changed'}
  `done`: this change id was applied before. `changed`: not as it was seen, or suspended, or a key is missing; nothing
  was written. Every repair raises the version: of two that saw the same gate, only one repairs it.
]]
local item_key, stock_key, changes_key = KEYS[1], KEYS[2], KEYS[3]
local epoch, version, change_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local delta, channel = tonumber(ARGV[4]), ARGV[5]

--- @include "announce"
--- @include "changes"
--- @include "stock"

local item = redis.call('HMGET', item_key, 'epoch', 'state', 'version')
if tonumber(item[1]) ~= epoch then return { 'changed' } end
local before = redis.call('HGET', changes_key, change_id)
if before then return { 'done', tonumber(before) } end
local available = whole(redis.call('GET', stock_key))
if not available or item[2] == 'suspended' or tonumber(item[3]) ~= version then return { 'changed' } end

local change = math.max(delta, -available)
remember_changes(changes_key, item_key, { change_id, string.format('%d', change) })
redis.call('INCRBY', stock_key, string.format('%d', change))
announce(item_key, channel)
return { 'applied', change, available + change }
