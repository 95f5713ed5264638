-- http.lua
--	What wrk sends: the requests of a file that http_requests.py made, in turn.
--	wrk ... http://host:port/ -- FILE
--
-- Each request is there as a string before the clock starts: sending it costs
-- one table access.  Threads begin at different places of the file.  Responses
-- are counted, not looked at: without a response() wrk skips them.

local threads = 0

function setup(thread)
	thread:set("thread_number", threads)
	threads = threads + 1
end

local messages = {}
local last = 0

function init(args)
	local file = assert(io.open(args[#args], "rb"))
	local length = file:read("*l")

	while length do
		messages[#messages + 1] = file:read(tonumber(length))
		length = file:read("*l")
	end
	file:close()
	last = math.floor(thread_number * #messages / 2) % #messages
end

function request()
	last = last % #messages + 1
	return messages[last]
end

-- requests per second, p50 and p99 in microseconds, failures
function done(summary, latency, requests)
	local errors = summary.errors
	local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout

	io.write(string.format("result %.1f %.0f %.0f %d\n",
		summary.requests / summary.duration * 1e6,
		latency:percentile(50), latency:percentile(99), failed))
end
