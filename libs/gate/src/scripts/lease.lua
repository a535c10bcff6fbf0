--[[
  Gives or renews the right to read an item's outbox, and keeps how far Kafka has acknowledged it.
    KEYS[1] lease   hash    owner, until (ms), position, server
    KEYS[2] item    hash    whether the item is there
    KEYS[3] outbox  stream  whether there is something to read
    ARGV[1] owner   ARGV[2] leaseMs, 0 gives it up   ARGV[3] position acknowledged to this owner, '' for none
    Returns {'held', position} | {'taken', remainingMs} | {'gone'}
  A position counts only on the server process that it was read from: a restarted or promoted one may have lost entries
  and given their ids again, so it starts over from what is left. The key ends after a day without a renewal.
]]
local lease_key, item_key, outbox_key = KEYS[1], KEYS[2], KEYS[3]
local owner, lease_ms, acknowledged = ARGV[1], tonumber(ARGV[2]), ARGV[3]

--- @include "server"

local KEY_TTL_MS = 24 * 3600 * 1000

if redis.call('EXISTS', item_key, outbox_key) == 0 then return { 'gone' } end
local lease = redis.call('HMGET', lease_key, 'owner', 'until', 'position', 'server')
local held_by, held_until, position, held_server = lease[1], tonumber(lease[2]) or 0, lease[3], lease[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if held_by and held_by ~= owner and held_until > now then return { 'taken', held_until - now } end

local server = run_of_server()
if held_server ~= server then
  position = '0-0'
elseif held_by == owner and acknowledged ~= '' then
  position = acknowledged
end
redis.call('HSET', lease_key, 'owner', owner, 'until', now + lease_ms, 'position', position, 'server', server)
redis.call('PEXPIRE', lease_key, KEY_TTL_MS)
return { 'held', position }
