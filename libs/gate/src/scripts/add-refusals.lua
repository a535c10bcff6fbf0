--[[
  Adds to a sale's counts of refusals, all or none.
    KEYS[1] refusals  hash  why -> how many
    ARGV[1..] per kind: name, how many
    Returns {'added'}
]]
local refusals_key = KEYS[1]

for at = 1, #ARGV, 2 do redis.call('HINCRBY', refusals_key, ARGV[at], ARGV[at + 1]) end
return { 'added' }
