--[[
  What is known of an item's gate since its Redis was started, or made master: until then it may have forgotten what it
  had answered. Notes what has been found out.
    KEYS[1] item  hash  epoch, watermark, sequence, server, compared
    ARGV[1] epoch and   ARGV[2] run of the server that were looked into   ARGV[3] field to note: server, compared, '' none
    Returns {'unproven', epoch, run, sequence} | {'uncompared', epoch, run} | {'vouched'} | {'gone'}
  `server`: the run on which it is proven to have every order that was relayed; on another one it sells nothing new.
  `compared`: the run on which it was compared with what it was told. `gone`: a gate that a rebuild has to finish first,
  or none.
]]
local item_key = KEYS[1]
local epoch_seen, run_seen, noted = tonumber(ARGV[1]), ARGV[2], ARGV[3]

--- @include "server"

local item = redis.call('HMGET', item_key, 'epoch', 'watermark', 'sequence', 'server', 'compared')
local epoch, watermark, sequence = tonumber(item[1]), item[2], tonumber(item[3])
if not epoch or not watermark then return { 'gone' } end
local run = run_of_server()
local proven, compared = item[4] == run, item[5] == run
if noted ~= '' and epoch_seen == epoch and run_seen == run then
  redis.call('HSET', item_key, noted, run)
  proven, compared = proven or noted == 'server', compared or noted == 'compared'
end
if not proven then return { 'unproven', epoch, run, sequence } end
if not compared then return { 'uncompared', epoch, run } end
return { 'vouched' }
