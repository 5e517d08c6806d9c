-- SPDX-License-Identifier: LGPL-2.1-or-later
-- For wrk: the same GET again and again. TARGET and TOKEN come in the environment.
local headers = {Authorization = "Bearer " .. os.getenv("TOKEN")}

function request()
  return wrk.format("GET", os.getenv("TARGET"), headers)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\n{"requests": %d, "seconds": %f, "errors": %d, "p99": %f}\n', summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99) / 1e3))
end
