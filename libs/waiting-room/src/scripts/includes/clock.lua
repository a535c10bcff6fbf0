-- Times of the room: microseconds where they order people, milliseconds elsewhere. As texts, since Lua would write a
-- number this large as 1.8e+15.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function whole_text(number)
  return string.format('%.0f', number)
end
