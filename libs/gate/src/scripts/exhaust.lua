--[[
  Notes that nothing is left of an item and nothing is held that could come back by itself.
    KEYS[1] item   hash    epoch, version, sequence, watermark, exhausted
    KEYS[2] stock  string  units available
    ARGV[1] epoch   ARGV[2] version   ARGV[3] sequence: the gate as it was seen when the ledger had decided every order
    Returns {'done'} | {'changed'}
  Holds for this version: each unit that comes back begins another.
]]
local item_key, stock_key = KEYS[1], KEYS[2]
local epoch, version, sequence = ARGV[1], ARGV[2], ARGV[3]

local item = redis.call('HMGET', item_key, 'epoch', 'version', 'sequence', 'watermark')
local is_as_seen = item[1] == epoch and item[2] == version and item[3] == sequence and item[4] == sequence
if not is_as_seen or redis.call('GET', stock_key) ~= '0' then return { 'changed' } end
redis.call('HSET', item_key, 'exhausted', version)
return { 'done' }
