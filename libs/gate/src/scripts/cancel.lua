--[[
  Notes a shopper's wish to give an order up, whatever the item's state but `suspended`: the record gets the item's next
  sequence and the outbox an entry. The order keeps its status until the ledger has decided.
    KEYS[1] item      hash    epoch, state, sequence, watermark, hold, server
    KEYS[2] orders    hash    order id -> record
    KEYS[3] outbox    stream  orders and intents not yet settled
    KEYS[4] timeline  zset    watermark -> "<watermark>:<settledAtMs>"
    ARGV[1] epochFloor   an older gate answers notReady; 0 where none is known
    ARGV[2] orderId   ARGV[3] shopper   ARGV[4] shopperHash
    Returns {'requested' | 'repeated' | 'notCancellable', epoch, record, watermark, hold or '', timeline entry or ''}
      | {'unknownOrder', epoch} | {'notReady'}
  `notReady` also where the item's end is dated: no relay reads its outbox any more, and every order has ended; and
  where the gate may have forgotten orders (vouch.lua): one that it does not know, and any sequence to come.
  XADD is the first write: whatever Redis may refuse it refuses there, before anything is written.
]]
local item_key, orders_key, outbox_key, timeline_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch_floor, order_id, shopper, shopper_hash = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]

--- @include "order-view"
--- @include "record-changes"
--- @include "server"

local item = redis.call('HMGET', item_key, 'epoch', 'state', 'sequence', 'watermark', 'hold', 'server')
local epoch, state, sequence, watermark = tonumber(item[1]), item[2], tonumber(item[3]), tonumber(item[4])
local complete = epoch and state and sequence and watermark
if not complete or epoch < epoch_floor or state == 'suspended' then return { 'notReady' } end

local record = redis.call('HGET', orders_key, order_id)
if not record then return may_have_forgotten(item_key, item[6]) and { 'notReady' } or { 'unknownOrder', epoch } end
local settled = settled_entry(timeline_key, record)
local function reply(word)
  return { word, epoch, record, watermark, item[5] or '', settled }
end
local letter, found_hash = record_state(record), record_shopper_hash(record)
-- What is not a record is for its reader to find out.
if not RANKS[letter] or not found_hash then return reply('repeated') end
if found_hash ~= shopper_hash then return { 'unknownOrder', epoch } end
if letter == 'x' then return reply('repeated') end
if RANKS[letter] >= RANKS.x then return reply('notCancellable') end
if record_cancel_sequence(record) then return reply('repeated') end
if redis.call('PTTL', item_key) > 0 or may_have_forgotten(item_key, item[6]) then return { 'notReady' } end

sequence = sequence + 1
record = record_with_cancel(record, sequence)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', outbox_key, string.format('%d-%d', epoch, sequence),
  'first', sequence, 'at', now, 'cancel', order_id .. ' ' .. shopper)
redis.call('HSET', orders_key, order_id, record)
redis.call('HSET', item_key, 'sequence', sequence)
return reply('requested')
