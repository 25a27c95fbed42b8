-- Queues of requests and their dead letters.


-- The field "id" stays: workers order declarations of a lease by it.
local function ll1_retry(keys, argv)
    local dead = call('XRANGE', keys[2], argv[1], argv[1])[1]
    local request, fields = {}, dead and dead[2] or {}

    for i = 1, #fields, 2 do
        if fields[i] ~= 'why' then
            request[#request + 1] = fields[i]
            request[#request + 1] = fields[i + 1]
        end
    end

    if not dead then
        return 0
    end

    if #request == 0 or (#request == 2 and request[1] == 'id') then
        return -1
    end

    call('XADD', keys[1], '*', unpack(request))
    call('XDEL', keys[2], argv[1])

    return 1
end


-- A request is acknowledged only once, so it can't become two letters.
local function ll1_bury(keys, argv)
    local group, id = argv[1], argv[2]

    if call('XACK', keys[1], group, id) == 0 then
        return 0
    end

    call('XADD', keys[2], '*', unpack(argv, 3))
    call('XDEL', keys[1], id)

    return 1
end


-- A debt has a score of its own each time, larger than all before, so that one
-- which is renewed while it is paid is not taken for paid.
local function ll1_owe(keys, argv)
    local last = call('ZRANGE', keys[1], -1, -1, 'WITHSCORES')
    local time = call('TIME')
    local score = math.max(tonumber(last[2] or 0) + 1,
                           tonumber(time[1]) * 1000000 + tonumber(time[2]))

    for i, debt in ipairs(argv) do
        call('ZADD', keys[1], int(score + i), debt)
    end

    return #argv
end


local function ll1_settle(keys, argv)
    local settled = 0

    for i = 1, #argv, 2 do
        if tonumber(call('ZSCORE', keys[1], argv[i]) or '')
           == tonumber(argv[i + 1])
        then
            settled = settled + call('ZREM', keys[1], argv[i])
        end
    end

    return settled
end


register('ll1_owe', ll1_owe)
register('ll1_settle', ll1_settle)
register('ll1_retry', ll1_retry)
register('ll1_bury', ll1_bury)
