--[[
  Adds to what sources have bought in a sale.
    KEYS[1] shares  hash  source -> units
    ARGV[1] when it ends, ms   ARGV[2..] per source: name, units
    Returns {'added'}
]]
local shares_key = KEYS[1]

for at = 2, #ARGV, 2 do redis.call('HINCRBY', shares_key, ARGV[at], ARGV[at + 1]) end
redis.call('PEXPIREAT', shares_key, ARGV[1])
return { 'added' }
