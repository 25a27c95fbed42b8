-- Due times and heartbeats.


local function ll1_due(keys, argv)
    local property, rev, time = argv[1], tonumber(argv[2]), argv[3]
    local old = tonumber(call('HGET', keys[2], property) or -1)

    if old > rev then
        return 0
    end

    if time == '' then
        call('ZREM', keys[1], property)
        call('HDEL', keys[2], property)

    else
        call('ZADD', keys[1], time, property)
        call('HSET', keys[2], property, int(rev))
    end

    return 1
end


local function ll1_defer(keys, argv)
    if tonumber(call('ZSCORE', keys[1], argv[1]) or '') ~= tonumber(argv[2])
    then
        return 0
    end

    call('ZADD', keys[1], argv[3], argv[1])

    return 1
end


-- the workers heard of since a time: list of id and record, list of the rest
local function beats(keys, since)
    local all = call('HGETALL', keys[1])
    local heard, silent = {}, {}

    for i = 1, #all, 2 do
        local time = tonumber(string.match(all[i + 1], '^%d+') or 0)
        if time >= since then
            heard[#heard + 1] = all[i]
            heard[#heard + 1] = all[i + 1]
        else
            silent[#silent + 1] = all[i]
        end
    end

    return heard, silent
end


local function ll1_beat(keys, argv)
    local now = now_ms()

    if argv[2] == '' then
        call('HDEL', keys[1], argv[1])
        return 0
    end

    call('HSET', keys[1], argv[1], int(now) .. ' ' .. argv[2])

    local _, silent = beats(keys, now - 60000)
    if #silent > 0 then
        call('HDEL', keys[1], unpack(silent))
    end

    return now
end


local function ll1_health(keys, argv)
    local now = now_ms()
    local heard = beats(keys, now - 3000)
    return { now, #heard / 2, heard }
end


register('ll1_due', ll1_due)
register('ll1_defer', ll1_defer)
register('ll1_beat', ll1_beat)
register('ll1_health', ll1_health, READ_ONLY)
