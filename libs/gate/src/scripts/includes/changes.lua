-- Remembers an applied change. The hash may be new although the item's end is dated: then it ends with the item.
local function remember_change(changes_key, item_key, change_id, delta)
  redis.call('HSET', changes_key, change_id, delta)
  local left = redis.call('PTTL', item_key)
  if left > 0 then redis.call('PEXPIRE', changes_key, left) end
end
