--[[
  Whether an item's gate has been compared with the ledger since its Redis was started, or made master: until then it may
  have forgotten what it had answered. Notes that it has been.
    KEYS[1] item  hash  epoch, watermark, server
    ARGV[1] epoch that was compared, 0: only asks   ARGV[2] run of the server on which it was compared
    Returns {'vouched'} | {'restarted', epoch, run} | {'gone'}
  `restarted`: to be compared, perhaps again, since another epoch began or the server is another one by now. `gone`: a
  gate that a rebuild has to finish first, or none.
]]
local item_key = KEYS[1]
local compared_epoch, compared_run = tonumber(ARGV[1]), ARGV[2]

--- @include "server"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark', 'server')
local epoch, watermark, vouched_run = tonumber(item[1]), item[2], item[3]
if not epoch or not watermark then return { 'gone' } end
local run = run_of_server()
if vouched_run == run then return { 'vouched' } end
if compared_epoch ~= epoch or compared_run ~= run then return { 'restarted', epoch, run } end
redis.call('HSET', item_key, 'server', run)
return { 'vouched' }
