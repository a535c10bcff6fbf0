-- Takes units off a shopper's count. The field stays, at 0 too: it says that an order of the shopper was accepted.
local function give_back(shoppers_key, shopper, quantity)
  local held = tonumber(redis.call('HGET', shoppers_key, shopper)) or 0
  redis.call('HSET', shoppers_key, shopper, math.max(0, held - quantity))
end
