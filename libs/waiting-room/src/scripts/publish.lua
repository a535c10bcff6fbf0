--[[
  Writes what the operator has set for a sale's room; begins the room where there is none.
    KEYS[1] state   hash    the room: its settings and how it stands
    KEYS[2] config  string  the same settings and what only gateways need, as JSON
    ARGV[1] version: settings of an older one are not written   ARGV[2] config
    ARGV[3] hasBegun (1: there was a room before)   ARGV[4] mode   ARGV[5..] other settings, flat: name, value, ...
    Returns {'created'} | {'updated'} | {'kept'}
  A room that is gone although it had begun was lost with its line: it is created as of another server, so that its
  first tick lets the line form again.
]]
local state_key, config_key = KEYS[1], KEYS[2]
local version, config, has_begun, mode = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1', ARGV[4]

--- @include "server"
--- @include "switch"

local room = redis.call('HMGET', state_key, 'version', 'state', 'since')
local found, state, since = tonumber(room[1]), room[2], tonumber(room[3]) or 0
if found and found >= version and redis.call('EXISTS', config_key) == 1 then return { 'kept' } end

redis.call('SET', config_key, config)
redis.call('HSET', state_key, 'version', ARGV[1], 'mode', mode, unpack(ARGV, 5))
local target = mode
if mode == 'auto' then target = found and state or 'off' end
if target ~= state then switch_to(state_key, target, since) end
if found then return { 'updated' } end
redis.call('HSET', state_key, 'stamp', 0, 'head', 0, 'called', 0, 'tat', 0, 'pausedUntil', 0,
  'server', has_begun and '' or run_of_server())
return { 'created' }
