// Made by tools/build-lua from src/scripts/*.lua. Do not edit; run `npm run lua`.

/** A script as it is sent to Redis, with its includes in place. */
export interface LuaScript {
  readonly name: string;
  /** How many keys it takes. */
  readonly keys: number;
  readonly sha1: string;
  readonly text: string;
}

export const SCRIPTS = {
  "book": {
    name: "book",
    keys: 1,
    sha1: "cf53ef29c66c53402b0d5f128c664b5d9138efd3",
    text: "local made_key, arrival_keys = KEYS[1], { unpack(KEYS, 2) }\nlocal max_keys, generation_us = tonumber(ARGV[1]), tonumber(ARGV[2])\nlocal time = redis.call('TIME')\nlocal now = tonumber(time[1]) * 1000000 + tonumber(time[2])\nlocal generation = math.floor(now / generation_us)\nlocal parity = generation % 2\nlocal found = redis.call('HMGET', made_key, 'gen', '0', '1')\nlocal age = generation - (tonumber(found[1]) or 0)\nlocal made = { [0] = tonumber(found[2]) or 0, [1] = tonumber(found[3]) or 0 }\nif age > 1 then made = { [0] = 0, [1] = 0 } end\nif age == 1 then made[parity] = 0 end\nlocal before = redis.call('MGET', unpack(arrival_keys))\nlocal answer = { now }\nfor index, key in ipairs(arrival_keys) do\n  local interval, requests, came = tonumber(ARGV[3 * index]), tonumber(ARGV[3 * index + 1]), tonumber(ARGV[3 * index + 2])\n  local packed = tonumber(before[index])\n  local written_in = packed and packed % 2\n  local arrival = math.max(packed and (packed - written_in) / 2 or 0, math.min(came, now)) + interval * requests\n  arrival = math.floor(math.min(arrival, now + generation_us))\n  if arrival > now and (packed or made[0] + made[1] < max_keys) then\n    if written_in ~= parity then made[parity] = made[parity] + 1 end\n    redis.call('SET', key, string.format('%.0f', 2 * arrival + parity), 'PX', math.ceil((arrival - now) / 1000))\n  end\n  answer[1 + index] = arrival\nend\nredis.call('HSET', made_key, 'gen', string.format('%.0f', generation), '0', made[0], '1', made[1])\nredis.call('PEXPIRE', made_key, math.ceil(generation_us / 500))\nreturn answer",
  },
} as const satisfies Record<string, LuaScript>;
