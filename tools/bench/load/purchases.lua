--[[
  wrk's side of a round: a fixed number of purchases, each with a shopper and a key of its own, one after the other on
  each connection. Ends by itself when the last answer is there, and prints what it counted as one line of JSON.
  Arguments, as NAME=VALUE: amount, seed, sale, products (separated by commas, used in turn), expect (status),
  tokens (a file with one JWT a line; without it the shopper is a header), perSecond (a pace; without it as fast as
  answers come), network and addresses (two octets, and of how many addresses in it a proxy says that they came).
  One thread only: threads of wrk share nothing, so only one can know when the last answer is there.
]]
local ffi = require('ffi')
ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } flux_time;
  int clock_gettime(int clock, flux_time *time);
  int getpid(void);
  int kill(int pid, int signal);
]])
local MONOTONIC, INTERRUPT = 1, 2
local clock = ffi.new('flux_time')

local function now()
  ffi.C.clock_gettime(MONOTONIC, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) / 1e9
end

local options, bodies, tokens = {}, {}, nil
local amount, expected, seed
local built, sent = 0, 0
local began, paced_from

-- What the main thread reads at the end: globals of the thread.
answered, wrong, replayed, first_wrong, seconds = 0, 0, 0, '', 0

local the_thread
function setup(thread)
  the_thread = thread
end

local function source_of(number)
  if not options.addresses then
    return ''
  end
  local host = number % tonumber(options.addresses)
  return string.format('X-Forwarded-For: %s.%d.%d\r\n', options.network, math.floor(host / 256), host % 256)
end

local function headers_of(number)
  local who = tokens and 'Authorization: Bearer ' .. tokens[number]
    or 'x-shopper-id: ' .. seed .. '-' .. number
  return 'Idempotency-Key: ' .. string.format('%s-%016d', seed, number) .. '\r\n' .. who .. '\r\n' .. source_of(number)
end

local function read_tokens(file)
  local lines = {}
  for line in io.lines(file) do
    lines[#lines + 1] = line
  end
  return lines
end

function init(args)
  for _, argument in ipairs(args) do
    local name, value = string.match(argument, '^(%w+)=(.*)$')
    if name then
      options[name] = value
    end
  end
  amount, expected, seed = tonumber(options.amount), tonumber(options.expect), options.seed
  for product in string.gmatch(options.products, '[^,]+') do
    local json = string.format('{"productId":"%s","saleId":"%s","quantity":1}', product, options.sale)
    bodies[#bodies + 1] = 'Content-Length: ' .. #json .. '\r\n\r\n' .. json
  end
  if options.tokens then
    tokens = read_tokens(options.tokens)
  end
  if options.perSecond then
    pace(tonumber(options.perSecond))
  end
end

-- Each request waits for its turn; wrk asks before each one, in whole milliseconds.
function pace(per_second)
  local turn = 0
  function delay()
    paced_from = paced_from or now()
    turn = turn + 1
    return math.max(0, math.floor((paced_from + turn / per_second - now()) * 1000))
  end
end

local HEAD = 'POST /v1/orders HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n'

function request()
  built = built + 1
  -- wrk builds the first one only to look at it.
  local number = math.max(1, built - 1)
  if sent == amount then
    return ''
  end
  if built > 1 then
    began = began or now()
    sent = sent + 1
  end
  return HEAD .. headers_of(number) .. bodies[(number - 1) % #bodies + 1]
end

function response(status, headers, body)
  answered = answered + 1
  if status ~= expected then
    wrong = wrong + 1
    if wrong == 1 then
      first_wrong = status .. ' ' .. body
    end
  elseif headers['Idempotency-Replayed'] or headers['idempotency-replayed'] then
    replayed = replayed + 1
  end
  if answered == amount then
    seconds = now() - began
    ffi.C.kill(ffi.C.getpid(), INTERRUPT)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local counted = {
    answered = the_thread:get('answered'),
    wrong = the_thread:get('wrong'),
    replayed = the_thread:get('replayed'),
    seconds = the_thread:get('seconds'),
    failed = errors.connect + errors.read + errors.write + errors.timeout,
    p50Ms = latency:percentile(50) / 1000,
    p99Ms = latency:percentile(99) / 1000,
  }
  local fields = {}
  for name, value in pairs(counted) do
    fields[#fields + 1] = string.format('"%s":%s', name, tostring(value))
  end
  fields[#fields + 1] = string.format('"firstWrong":"%s"', (string.gsub(the_thread:get('first_wrong'), '[^%w .,:-]', ' ')))
  print('{' .. table.concat(fields, ',') .. '}')
end
