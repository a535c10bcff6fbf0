-- Who has looked lately: one bit a ticket in the filter of the present window and in that of the window before, of
-- `silent` milliseconds each. Two tickets may share a bit: then a silent one seems to be there. With 16 bits for each
-- waiter that happens to 1 in 16; the smallest filter is right for 131,072 of them.
local SMALLEST_BITS, BITS_PER_WAITER = 2097152, 16

-- Of a ticket id's 14 characters five are enough to spread the bits: it is a digest itself.
local function bit_of(ticket_id, bits)
  local number = 0
  for index = 1, 5 do number = number * 64 + string.byte(ticket_id, index) % 64 end
  return number % bits
end

local function bits_for(waiters)
  local bits = SMALLEST_BITS
  while bits < waiters * BITS_PER_WAITER do bits = bits * 2 end
  return bits
end

-- The filters as they are now, {key, bits} each, the present one first. One that is too old is emptied.
local function seen_filters(state_key, line_key, keys, now_us, silent_ms)
  local window = math.floor(now_us / 1000 / silent_ms)
  local found = redis.call('HMGET', state_key, 'window', 'bits0', 'bits1')
  local known = tonumber(found[1]) or -1
  local bits = { [0] = tonumber(found[2]), [1] = tonumber(found[3]) }
  local present = window % 2
  if window > known then
    redis.call('UNLINK', keys[present])
    if window > known + 1 then redis.call('UNLINK', keys[1 - present]) end
    bits[present] = bits_for(redis.call('ZCARD', line_key))
    redis.call('HSET', state_key, 'window', string.format('%d', window),
      'bits' .. present, string.format('%d', bits[present]))
  end
  return {
    { keys[present], bits[present] or SMALLEST_BITS },
    { keys[1 - present], bits[1 - present] or SMALLEST_BITS },
  }
end

local function note_seen(filters, ticket_id)
  local key, bits = filters[1][1], filters[1][2]
  redis.call('SETBIT', key, string.format('%d', bit_of(ticket_id, bits)), 1)
end

local function was_seen(filters, ticket_id)
  for _, filter in ipairs(filters) do
    if redis.call('GETBIT', filter[1], string.format('%d', bit_of(ticket_id, filter[2]))) == 1 then return true end
  end
  return false
end
