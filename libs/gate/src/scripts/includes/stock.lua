-- Stock as DECRBY will take it: a whole number, not negative, written canonically. Anything else is nil, so that the
-- decrement cannot fail after an earlier write.
local function whole(text)
  local number = tonumber(text)
  if not number or number < 0 or string.format('%d', number) ~= text then return nil end
  return number
end
