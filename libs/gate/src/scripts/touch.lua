--[[
  Writes something that means nothing, so that a WAIT behind it covers all that was read before it: what another
  connection has written may not have reached a replica yet, and since Redis 7.2 a WAIT covers no more than its
  own connection's last write.
    KEYS[1] item  hash  field touched
    Returns 1, or 0 where there is no item: nothing that was read of it needs a replica
]]
local item_key = KEYS[1]

if redis.call('EXISTS', item_key) == 0 then return 0 end
redis.call('HSET', item_key, 'touched', '1')
return 1
