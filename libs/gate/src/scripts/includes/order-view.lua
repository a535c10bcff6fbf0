--- @include "record"

-- When the ledger had committed a record without a state of its own: the first timeline entry at or above its
-- sequence, '' where there is none.
local function settled_entry(timeline_key, record)
  local sequence = record_state(record) == '-' and record_sequence(record)
  if not sequence then return '' end
  return redis.call('ZRANGEBYSCORE', timeline_key, sequence, '+inf', 'LIMIT', 0, 1)[1] or ''
end
