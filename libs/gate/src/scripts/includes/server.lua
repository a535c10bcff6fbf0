-- The run of this Redis: another one after each start, and on a replica that was made master.
local function run_of_server()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
end

-- Whether an item may lack orders that a server before this one has answered: nobody has looked since it was started, or
-- made master (vouch.lua). Where the item's end is dated nobody looks any more.
-- To find a text that is known takes Redis a tenth of a match.
local function may_have_forgotten(item_key, server)
  local is_the_same = server and string.find(redis.call('INFO', 'server'), 'run_id:' .. server, 1, true)
  return not is_the_same and redis.call('PTTL', item_key) == -1
end
