-- Remembers applied changes, flat: id, delta, ... The hash may be new although the item's end is dated: then it ends
-- with the item.
local function remember_changes(changes_key, item_key, changes)
  redis.call('HSET', changes_key, unpack(changes))
  local left = redis.call('PTTL', item_key)
  if left > 0 then redis.call('PEXPIRE', changes_key, left) end
end
