--[[
  Books what processes have let through, and tells how each principal stands. A principal is one number, the theoretical
  arrival time of GCRA (ITU-T I.371): until then it uses up what it was given. In us of this server's clock.
    KEYS[1] made  hash  gen: the newest generation, 0 and 1: keys written in the newest even and odd one
    KEYS[2...] arrivals  integer  twice the theoretical arrival time, and 1 more where it was written in an odd generation
    ARGV[1] keys at most   ARGV[2] us of a generation, which no key outlives
    ARGV[3..] per key: us between requests, requests, when the first of them came
    Returns {now, theoretical arrival time of each}
  Who is not known when the table is full is not kept: whoever asks goes by what they remember themselves.
]]
local made_key, arrival_keys = KEYS[1], { unpack(KEYS, 2) }
local max_keys, generation_us = tonumber(ARGV[1]), tonumber(ARGV[2])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- What lives was written in this generation or in the one before.
local generation = math.floor(now / generation_us)
local parity = generation % 2
local found = redis.call('HMGET', made_key, 'gen', '0', '1')
local age = generation - (tonumber(found[1]) or 0)
local made = { [0] = tonumber(found[2]) or 0, [1] = tonumber(found[3]) or 0 }
if age > 1 then made = { [0] = 0, [1] = 0 } end
if age == 1 then made[parity] = 0 end

local before = redis.call('MGET', unpack(arrival_keys))
local answer = { now }
for index, key in ipairs(arrival_keys) do
  local interval, requests, came = tonumber(ARGV[3 * index]), tonumber(ARGV[3 * index + 1]), tonumber(ARGV[3 * index + 2])
  local packed = tonumber(before[index])
  local written_in = packed and packed % 2
  local arrival = math.max(packed and (packed - written_in) / 2 or 0, math.min(came, now)) + interval * requests
  arrival = math.floor(math.min(arrival, now + generation_us))
  if arrival > now and (packed or made[0] + made[1] < max_keys) then
    if written_in ~= parity then made[parity] = made[parity] + 1 end
    redis.call('SET', key, string.format('%.0f', 2 * arrival + parity), 'PX', math.ceil((arrival - now) / 1000))
  end
  answer[1 + index] = arrival
end

redis.call('HSET', made_key, 'gen', string.format('%.0f', generation), '0', made[0], '1', made[1])
redis.call('PEXPIRE', made_key, math.ceil(generation_us / 500))
return answer
