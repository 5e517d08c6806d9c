-- SPDX-License-Identifier: LGPL-2.1-or-later
-- For wrk: ranges of one file. TARGET (its path), TOKEN (may be empty), SIZE of the file, LENGTH and STEP of the ranges come in the environment.
local size, length, step = tonumber(os.getenv("SIZE")), tonumber(os.getenv("LENGTH")), tonumber(os.getenv("STEP"))
local places = math.floor((size - length) / step) + 1
local turn = 0

function request()
  turn = turn + 1
  local from = turn % places * step
  local headers = { Range = "bytes=" .. from .. "-" .. from + length - 1 }
  if os.getenv("TOKEN") ~= "" then headers["Authorization"] = "Bearer " .. os.getenv("TOKEN") end
  return wrk.format("GET", os.getenv("TARGET"), headers)
end

function done(summary)
  local e = summary.errors
  io.write(string.format('\n{"bytes": %d, "requests": %d, "seconds": %f, "errors": %d}\n', summary.bytes, summary.requests,
    summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
