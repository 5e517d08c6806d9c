-- SPDX-License-Identifier: LGPL-2.1-or-later
-- For wrk: begins a session, and ends it as soon as its answer is there. BODY and TOKEN come in the environment.
local begin = {Authorization = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json"}
local finish = {Authorization = "Bearer " .. os.getenv("TOKEN")}
local threads = {}
local open = {}
begun, ended, refused = 0, 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function request()
  local id = table.remove(open)
  if id then return wrk.format("DELETE", "/api/v1/sessions/" .. id, finish) end
  return wrk.format("POST", "/api/v1/sessions", begin, os.getenv("BODY"))
end

function response(status, headers, body)
  if status == 201 then
    table.insert(open, body:match('"id"%s*:%s*"(%x+)"'))
    begun = begun + 1
  elseif status == 204 then
    ended = ended + 1
  else
    refused = refused + 1
  end
end

function done(summary, latency)
  local e = summary.errors
  local sum = {begun = 0, ended = 0, refused = 0}
  for _, thread in ipairs(threads) do
    for key in pairs(sum) do sum[key] = sum[key] + thread:get(key) end
  end
  io.write(string.format('\n{"begun": %d, "ended": %d, "errors": %d, "seconds": %f, "p50": %f, "p99": %f}\n', sum.begun, sum.ended,
    sum.refused + e.connect + e.read + e.write + e.timeout, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
