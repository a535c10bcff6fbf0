--- @include "record"

-- An order only moves to a state of a higher rank. From 2 on it has given its units back, or sold them.
local RANKS = { ['-'] = 0, a = 0.5, c = 1, r = 2, x = 2, e = 2, p = 3 }

-- The record in a later state; nil where that is no step forward. What is not a record takes no step.
local function record_forward(record, state, changed_at)
  local letter, accepted, intent = string.match(record, '^(.)(|%d+|%d+|%d+|[^|]+|[^|]+)|?%d*(.*)$')
  local rank = RANKS[letter]
  if not rank or RANKS[state] <= rank then return nil end
  return string.format('%s%s|%d%s', state, accepted, changed_at, intent)
end

-- The sequence of the intent to cancel the order, as text; nil where there is none.
local function record_cancel_sequence(record)
  return string.match(record, '^.|%d+|%d+|%d+|[^|]+|[^|]+|%d*|(%d+)$')
end

-- Whether a sequence is the order's own or its intent's.
local function record_has_sequence(record, sequence)
  return record_sequence(record) == sequence or record_cancel_sequence(record) == string.format('%d', sequence)
end

local function record_with_cancel(record, cancel_sequence)
  local accepted, changed_at = string.match(record, '^(.|%d+|%d+|%d+|[^|]+|[^|]+)|?(%d*)')
  return string.format('%s|%s|%d', accepted, changed_at, cancel_sequence)
end

-- nil where it is not a record.
local function record_shopper_hash(record)
  return string.match(record, '^.|%d+|%d+|%d+|[^|]+|([^|]+)')
end

local function record_of_shopper(record, shopper_hash)
  return (string.gsub(record, '^(.|%d+|%d+|%d+|[^|]+|)[^|]+', '%1' .. shopper_hash, 1))
end
