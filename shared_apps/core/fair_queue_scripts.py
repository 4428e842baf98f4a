"""The Lua of the fair queue. Every script is one atomic step, told by the server's own clock.

State, all under one prefix:
    ring        sorted set: organization -> virtual time, for those with waiting tasks
    wait:<org>  list of waiting tasks, oldest first
    pass        hash: virtual time of organizations that wait for nothing
    vt          the virtual time the queue has reached; who comes back starts here and brings no credit
    weight      hash: organization -> weight, 1 when missing
    leases      hash: ticket -> the task it runs
    running     hash: organization -> number of its leases
    took        hash: organization/task -> usual duration in milliseconds
    due         sorted set: tasks to wait for, by the second they are due
    workers     sorted set: worker -> second of its last sign of life;  slots  hash: its concurrency
    tickets     how many tickets are believed to be on their way
    usage       hash: "<day>/<org>/tasks" -> tasks ended, taken away by whoever keeps the figures
"""

_BASE = """
local P = KEYS[1]
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local MOST_TICKETS, SILENCE, FIRST_GUESS = 32, 60, 20

local function number(value, default) return tonumber(value or default) or default end

local function slots()
    local sum = 0
    for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P..'workers', now - SILENCE, '+inf')) do
        sum = sum + number(redis.call('HGET', P..'slots', worker), 0)
    end
    return sum
end

-- One organization never holds the last slots, however much it has waiting; with no worker known, no cap.
local function cap(reserved)
    local all = slots()
    if all == 0 then return 1e9 end
    return math.max(1, all - reserved)
end

local function may_run(org, most) return number(redis.call('HGET', P..'running', org), 0) < most end

local function join(org)
    if redis.call('ZSCORE', P..'ring', org) then return end
    local own = number(redis.call('HGET', P..'pass', org), 0)
    redis.call('ZADD', P..'ring', math.max(own, number(redis.call('GET', P..'vt'), 0)), org)
    redis.call('HDEL', P..'pass', org)
end

local function push(org, task, front)
    redis.call(front and 'LPUSH' or 'RPUSH', P..'wait:'..org, task)
    join(org)
end

local function weight(org) return math.max(1, number(redis.call('HGET', P..'weight', org), 1)) end

local function first_eligible(most)
    local passed = {}
    for _, org in ipairs(redis.call('ZRANGE', P..'ring', 0, 200)) do
        if may_run(org, most) then return org, passed end
        passed[#passed + 1] = org
    end
    return nil, passed
end

-- 1 when a further ticket must be sent, and counts it.
local function more(most)
    if number(redis.call('GET', P..'tickets'), 0) >= MOST_TICKETS then return 0 end
    if not first_eligible(most) then return 0 end
    redis.call('INCR', P..'tickets')
    return 1
end

local function wake_due()
    for _, text in ipairs(redis.call('ZRANGEBYSCORE', P..'due', '-inf', now, 'LIMIT', 0, 100)) do
        redis.call('ZREM', P..'due', text)
        push(cjson.decode(text).organization, text, false)
    end
end

local function end_lease(ticket, lease)
    redis.call('HDEL', P..'leases', ticket)
    if redis.call('HINCRBY', P..'running', lease.organization, -1) <= 0 then
        redis.call('HDEL', P..'running', lease.organization)
    end
end
"""

# ARGV: organization, task, seconds to wait, reserved slots. Returns 1 when a ticket must be sent.
PUT = (
    _BASE
    + """
local org, task, delay, reserved = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if delay > 0 then
    redis.call('ZADD', P..'due', now + delay, task)
    return 0
end
push(org, task, false)
-- A capped organization needs no ticket: the end of one of its tasks sends the next.
if not may_run(org, cap(reserved)) then return 0 end
if number(redis.call('GET', P..'tickets'), 0) >= MOST_TICKETS then return 0 end
redis.call('INCR', P..'tickets')
return 1
"""
)

# ARGV: ticket, worker, seconds of the longest run, reserved slots, most tries.
# Returns {task or '', tries, further ticket, 1 when the tries are spent}.
TAKE = (
    _BASE
    + """
local ticket, worker, longest, reserved = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if number(redis.call('GET', P..'tickets'), 0) > 0 then redis.call('DECR', P..'tickets') end
local most = cap(reserved)
local held = redis.call('HGET', P..'leases', ticket)
if held then
    -- The same ticket once more: the process that ran its task is gone, so it is this one's.
    local lease = cjson.decode(held)
    if lease.tries >= tonumber(ARGV[5]) then
        end_lease(ticket, lease)
        return {lease.task, lease.tries, more(most), 1}
    end
    lease.tries, lease.worker, lease.taken, lease.ends = lease.tries + 1, worker, now, now + longest
    redis.call('HSET', P..'leases', ticket, cjson.encode(lease))
    return {lease.task, lease.tries, more(most), 0}
end
wake_due()
local org, passed = first_eligible(most)
if not org then return {'', 0, 0, 0} end
local start = tonumber(redis.call('ZSCORE', P..'ring', org))
-- Who was passed over for the cap gathers no credit by it.
for _, other in ipairs(passed) do
    redis.call('ZADD', P..'ring', 'GT', start, other)
end
if start > number(redis.call('GET', P..'vt'), 0) then
    redis.call('SET', P..'vt', string.format('%.3f', start))
end
local task = redis.call('LPOP', P..'wait:'..org)
local facts = cjson.decode(task)
local guess = number(redis.call('HGET', P..'took', org..'/'..facts.name), FIRST_GUESS)
local reached = start + guess / weight(org)
if redis.call('EXISTS', P..'wait:'..org) == 1 then
    redis.call('ZADD', P..'ring', reached, org)
else
    redis.call('ZREM', P..'ring', org)
    redis.call('HSET', P..'pass', org, string.format('%.3f', reached))
end
local tries = (facts.tries or 0) + 1
redis.call('HSET', P..'leases', ticket, cjson.encode({
    organization = org, task = task, tries = tries, worker = worker, taken = now, ends = now + longest,
    guess = guess, name = facts.name}))
redis.call('HINCRBY', P..'running', org, 1)
return {task, tries, more(most), 0}
"""
)

# ARGV: ticket, milliseconds it took, day, reserved slots. Returns {1 when the lease was still held, ticket}.
RELEASE = (
    _BASE
    + """
local held = redis.call('HGET', P..'leases', ARGV[1])
if not held then return {0, more(cap(tonumber(ARGV[4])))} end
local lease, took = cjson.decode(held), tonumber(ARGV[2])
local org = lease.organization
end_lease(ARGV[1], lease)
local field = org..'/'..lease.name
local before = tonumber(redis.call('HGET', P..'took', field) or took)
redis.call('HSET', P..'took', field, string.format('%.1f', before * 0.7 + took * 0.3))
local correction = (took - lease.guess) / weight(org)
if redis.call('ZSCORE', P..'ring', org) then
    redis.call('ZINCRBY', P..'ring', correction, org)
else
    redis.call('HSET', P..'pass', org,
        string.format('%.3f', number(redis.call('HGET', P..'pass', org), 0) + correction))
end
redis.call('HINCRBY', P..'usage', ARGV[3]..'/'..org..'/tasks', 1)
return {1, more(cap(tonumber(ARGV[4])))}
"""
)

# ARGV: messages in the broker's queue, reserved slots, most tries, seconds of silence that end a worker.
# Returns {tickets to send, tasks taken back, tasks given up ...}.
SWEEP = (
    _BASE
    + """
local reserved, most_tries, silence = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
wake_due()
local taken_back, given_up = 0, {}
local leases = redis.call('HGETALL', P..'leases')
for place = 1, #leases, 2 do
    local ticket, lease = leases[place], cjson.decode(leases[place + 1])
    local seen = math.max(number(redis.call('ZSCORE', P..'workers', lease.worker), 0), lease.taken)
    if lease.ends < seen then
        -- Its worker lived on and has ended it for its length; once more would be as long.
        end_lease(ticket, lease)
        given_up[#given_up + 1] = lease.task
    elseif seen < now - silence then
        end_lease(ticket, lease)
        if lease.tries >= most_tries then
            given_up[#given_up + 1] = lease.task
        else
            -- Spliced, not encoded: Lua cannot tell an empty list from an empty object.
            local text = string.gsub(lease.task, '^{"tries":%d+', '{"tries":'..lease.tries, 1)
            push(lease.organization, text, true)
            taken_back = taken_back + 1
        end
    end
end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P..'workers', '-inf', now - 3600)) do
    redis.call('ZREM', P..'workers', worker)
    redis.call('HDEL', P..'slots', worker)
end
local reached = number(redis.call('GET', P..'vt'), 0)
local passes = redis.call('HGETALL', P..'pass')
for place = 1, #passes, 2 do
    if tonumber(passes[place + 1]) <= reached then redis.call('HDEL', P..'pass', passes[place]) end
end
local waiting = 0
for _, org in ipairs(redis.call('ZRANGE', P..'ring', 0, -1)) do
    waiting = waiting + redis.call('LLEN', P..'wait:'..org)
end
local there = tonumber(ARGV[1])
local missing = 0
if first_eligible(cap(reserved)) then
    missing = math.max(0, math.min(waiting, math.max(slots(), 4)) - there)
end
redis.call('SET', P..'tickets', there + missing)
return {missing, taken_back, unpack(given_up)}
"""
)

# ARGV: organization. Returns how many tasks were dropped.
FORGET = (
    _BASE
    + """
local org = ARGV[1]
local dropped = redis.call('LLEN', P..'wait:'..org)
redis.call('DEL', P..'wait:'..org)
redis.call('ZREM', P..'ring', org)
redis.call('HDEL', P..'pass', org)
redis.call('HDEL', P..'weight', org)
for _, text in ipairs(redis.call('ZRANGE', P..'due', 0, -1)) do
    if cjson.decode(text).organization == org then
        dropped = dropped + redis.call('ZREM', P..'due', text)
    end
end
for _, field in ipairs(redis.call('HKEYS', P..'took')) do
    if string.sub(field, 1, #org) == org then redis.call('HDEL', P..'took', field) end
end
return dropped
"""
)

# ARGV: organization, weight, ...: all weights but 1.
WEIGHTS = (
    _BASE
    + """
redis.call('DEL', P..'weight')
for place = 1, #ARGV, 2 do redis.call('HSET', P..'weight', ARGV[place], ARGV[place + 1]) end
return #ARGV / 2
"""
)

# ARGV: worker, slots. A sign of life.
BEAT = (
    _BASE
    + """
redis.call('ZADD', P..'workers', now, ARGV[1])
redis.call('HSET', P..'slots', ARGV[1], ARGV[2])
return 1
"""
)
