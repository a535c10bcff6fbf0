-- The run of this Redis: another one after each start, and on a replica that was made master.
local function run_of_server()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
end
