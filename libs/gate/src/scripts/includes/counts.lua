-- Shoppers' units in memory, so that all of them are read before the first write. A field stays, at 0 too: it says
-- that an order of the shopper was accepted. One that is not there is not made.
local function read_counts(shoppers_key, shoppers)
  local counts = { units = {}, changed = {} }
  if #shoppers == 0 then return counts end
  for index, units in ipairs(redis.call('HMGET', shoppers_key, unpack(shoppers))) do
    counts.units[shoppers[index]] = tonumber(units) or false
  end
  return counts
end

local function take_off(counts, shopper, quantity)
  local units = counts.units[shopper]
  if not units then return end
  counts.units[shopper] = math.max(0, units - quantity)
  counts.changed[shopper] = true
end

local function write_counts(shoppers_key, counts)
  local fields = {}
  for shopper in pairs(counts.changed) do
    fields[#fields + 1] = shopper
    fields[#fields + 1] = string.format('%d', counts.units[shopper])
  end
  if #fields > 0 then redis.call('HSET', shoppers_key, unpack(fields)) end
end
