--[[
  Reads an item's counters in one step.
    KEYS[1] item    hash    all its fields
    KEYS[2] stock   string  units available
    KEYS[3] outbox  stream  orders not yet settled
    Returns {'item', epoch, state, opens, closes, limit, sequence, watermark, version, outbox length, stock or '',
      room or '', version at which nothing was left to come back, or ''}
      | {'gone'}
  `gone` also where a field is missing: such a gate is being rebuilt, or waits for it.
]]
local item_key, stock_key, outbox_key = KEYS[1], KEYS[2], KEYS[3]

local item = redis.call('HMGET', item_key,
  'epoch', 'state', 'opens', 'closes', 'limit', 'sequence', 'watermark', 'version', 'room', 'exhausted')
local reply = { 'item' }
for index = 1, 8 do
  if not item[index] then return { 'gone' } end
  reply[index + 1] = item[index]
end
reply[10] = redis.call('XLEN', outbox_key)
reply[11] = redis.call('GET', stock_key) or ''
reply[12], reply[13] = item[9] or '', item[10] or ''
return reply
