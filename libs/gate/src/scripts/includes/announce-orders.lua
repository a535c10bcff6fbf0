-- Tells listening gateways up to which sequence orders are settled, and whose state was written.
local function announce_orders(channel, watermark, order_ids)
  redis.call('PUBLISH', channel, table.concat({ 'orders', string.format('%d', watermark), unpack(order_ids) }, ' '))
end
