-- An order's record: state|sequence|quantity|acceptedAtMs|fingerprint|shopperHash[|changedAtMs[|cancelSequence]].
-- changedAtMs is empty where only a cancelSequence follows. `order-record.ts` is its other half. Here states are
-- letters: `-` none of its own, a accepted (parked), c confirmed, r rejected, x cancelled, e expired, p paid.

-- All of them texts.
local function new_record(sequence, quantity, accepted_at, fingerprint, shopper_hash)
  return '-|' .. sequence .. '|' .. quantity .. '|' .. accepted_at .. '|' .. fingerprint .. '|' .. shopper_hash
end

local function record_state(record)
  return string.sub(record, 1, 1)
end

local function record_sequence(record)
  return tonumber(string.match(record, '^.|(%d+)|'))
end

-- No other field has a fingerprint's 11 characters: the numbers beside it have fewer or more, and the shopper's hash
-- has 16. What is not a record at all counts as one, for its reader to find out.
local function has_fingerprint(record, fingerprint)
  return string.find(record, '|' .. fingerprint .. '|', 1, true) or not record_sequence(record)
end
