-- Due times and heartbeats.


local function ll1_due(keys, argv)
    local property, rev, time = argv[1], tonumber(argv[2]), argv[3]
    local old = tonumber(call('HGET', keys[2], property) or -1)

    -- the property was read later than this due time, and is not as new as it:
    -- it has lost that change
    local lost = argv[4] and tonumber(call('ZSCORE', keys[1], property) or '')
                             == tonumber(argv[4])

    if old > rev and not lost then
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


-- heartbeats and entries of nginx are deleted after this time
local STALE_MS = 60000

-- a worker without a heartbeat for so long counts as dead
local ALIVE_MS = 3000

-- an nginx process adds an entry every 10 seconds, and counts for this time
local NGINX_MS = 30000


-- the names of those commands that the calling user may not run; each has
-- arguments like those that it is used with.  Channels like that one decide
-- whether those about channels are sharded.
local function refused(commands, channel)
    local names = {}
    local sharded = publish_command(channel) == 'SPUBLISH'

    for _, command in ipairs(commands) do
        if sharded and (command[1] == 'PUBLISH'
                        or string.find(command[1], 'SUBSCRIBE$'))
        then
            command[1] = 'S' .. command[1]
        end

        if not redis.acl_check_cmd(unpack(command)) then
            local name = command.name or command[1]
            if names[#names] ~= name then
                names[#names + 1] = name
            end
        end
    end

    return names
end


-- the commands of nginx, reads last; t/acl.t compares both lists with the
-- commands that are really run
local function nginx_refused(argv)
    local queue, nginx, meta, inbox, reply, property, user = unpack(argv)

    return refused({
        { 'XADD', queue, '*', '', '' }, { 'XADD', nginx, '*', '', '' },
        { 'PUBLISH', reply, '' }, { 'SUBSCRIBE', reply, property, user },
        { 'UNSUBSCRIBE', property }, { 'TIME' }, { 'GET', nginx },
        { 'HGET', meta, '' }, { 'HMGET', meta, '' }, { 'HGETALL', meta },
        { 'HKEYS', meta }, { 'XRANGE', meta, '-', '+' },
        { 'XREVRANGE', meta, '+', '-' }, { 'HGET', inbox, '' },
        { 'HGETALL', inbox }, { 'ZRANGE', inbox, 0, 0 }
    }, reply)
end


local function worker_refused(workers, argv)
    local queue, dead, meta, inbox, due, reply, property, user =
        unpack(argv, 3)

    return refused({
        { 'TIME' }, { 'HSET', workers, '', '' }, { 'HDEL', workers, '' },
        { 'GET', workers }, { 'SET', workers, '' },
        { 'FCALL_RO', '', 1, meta }, { 'TYPE', queue },
        { 'XREADGROUP', 'GROUP', '', '', 'STREAMS', queue, '>' },
        { 'XACK', queue, '', '' }, { 'XDEL', queue, '' },
        { 'XCLAIM', queue, '', '', 0, '' },
        { 'XAUTOCLAIM', queue, '', '', 0, '0' },
        { 'XPENDING', queue, '' },
        { name = 'XGROUP|CREATE', 'XGROUP', 'CREATE', queue, '', '0' },
        { name = 'XGROUP|DELCONSUMER',
          'XGROUP', 'DELCONSUMER', queue, '', '' },
        { name = 'XINFO|CONSUMERS', 'XINFO', 'CONSUMERS', queue, '' },
        { 'XTRIM', queue, 'MINID', 0 }, { 'XADD', dead, '*', '', '' },
        { 'PUBLISH', reply, '' }, { 'PUBLISH', property, '' },
        { 'PUBLISH', user, '' },
        { 'HGET', meta, '' }, { 'HMGET', meta, '' }, { 'HGETALL', meta },
        { 'HKEYS', meta }, { 'HSETNX', meta, '', '' }, { 'DEL', meta },
        { 'RENAME', meta, meta }, { 'PERSIST', meta },
        { 'PTTL', meta }, { 'PEXPIRE', meta, 1 }, { 'PEXPIREAT', meta, 1 },
        { 'XRANGE', meta, '-', '+' }, { 'XREVRANGE', meta, '+', '-' },
        { 'HSET', inbox, '', '' }, { 'ZADD', due, 0, '' },
        { 'ZREM', due, '' }, { 'ZSCORE', due, '' }, { 'ZRANGE', due, 0, 0 }
    }, reply)
end


-- workers with a heartbeat within ms: list of id and record; and the ids of all
-- others.  A time far in the future comes from the clock of a former primary.
local function heartbeats(keys, now, ms)
    local all = call('HGETALL', keys[1])
    local alive, stale = {}, {}

    for i = 1, #all, 2 do
        local time = tonumber(string.match(all[i + 1], '^%d+') or 0)
        if math.abs(now - time) <= ms then
            alive[#alive + 1] = all[i]
            alive[#alive + 1] = all[i + 1]
        else
            stale[#stale + 1] = all[i]
        end
    end

    return alive, stale
end


-- lets a key expire after the last heartbeat of all
local function refresh_expiry(key)
    if call('PTTL', key) < STALE_MS then
        call('PEXPIRE', key, 2 * STALE_MS)
    end
end


-- the largest number of queues that a process of nginx is configured with
local function nginx_queues(key, since)
    local most = 0

    for _, item in ipairs(call('XRANGE', key, int(since), '+')) do
        for i = 1, #item[2], 2 do
            if item[2][i] == 'queues' then
                most = math.max(most, tonumber(item[2][i + 1]) or 0)
            end
        end
    end

    return most
end


-- the place of a worker among those that take requests, and their number
local function place_of(keys, now, id)
    local alive, place, n = heartbeats(keys, now, ALIVE_MS), 0, 0

    for i = 1, #alive, 2 do
        if not string.find(alive[i + 1], ' refused:', 1, true) then
            place = place + (alive[i] < id and 1 or 0)
            n = n + 1
        end
    end

    return place, n
end


-- the layout of the data if it is not the caller's, which is set if there is
-- none; workers of an older version pass none
local function other_layout(key, layout)
    local stored = key and call('GET', key)

    if key and not stored then
        call('SET', key, layout)
    end

    return stored and stored ~= layout and stored
end


local function ll1_beat(keys, argv)
    local workers, nginx = keys[1], keys[2]

    if argv[2] == '' then
        call('HDEL', workers, argv[1])
        return 0
    end

    -- workers of an older version pass one key, and no examples
    local names = nginx and worker_refused(workers, argv) or {}
    local text = table.concat(names, ',')

    if names[1] == 'TIME' or names[1] == 'HSET' then
        return redis.error_reply('NOPERM this user may not run ' .. text)
    end

    if #names == 0 then
        local layout = other_layout(keys[3], argv[11])

        if layout then
            return redis.error_reply('LAYOUT ' .. layout)
        end
    end

    local now = now_ms()

    call('HSET', workers, argv[1], int(now) .. ' ' .. argv[2]
         .. (text ~= '' and ' refused:' .. text or ''))

    if #names > 0 then
        return { now, text, 0 }
    end

    local _, stale = heartbeats(keys, now, STALE_MS)
    if #stale > 0 then
        call('HDEL', workers, unpack(stale))
    end

    if not nginx then
        return now
    end

    refresh_expiry(workers)

    local queues = nginx_queues(nginx, now - NGINX_MS)

    call('XTRIM', nginx, 'MINID', int(now - STALE_MS))
    refresh_expiry(nginx)

    return { now, '', queues, place_of(keys, now, argv[1]) }
end


local function ll1_health(keys, argv)
    local names = argv[1] and nginx_refused(argv) or {}

    if #names > 0 then
        return { 0, 0, {}, table.concat(names, ', '), REVISION }
    end

    local now = now_ms()
    local alive = heartbeats(keys, now, ALIVE_MS)

    return { now, #alive / 2, alive, '', REVISION }
end


-- a revocation, user -> "AT UNTIL" in seconds, is never shortened, only lifted
local function ll1_revoke(keys, argv)
    local user, ttl, channel = argv[1], tonumber(argv[2]), argv[3]
    local now = math.floor(now_ms() / 1000)
    local all, last, own, revoked = call('HGETALL', keys[1]), 0, now + ttl, 0

    for i = 1, #all, 2 do
        local ends = tonumber(string.match(all[i + 1], '^%d+ (%d+)$') or 0)

        if ends <= now then
            call('HDEL', keys[1], all[i])
        elseif all[i] == user then
            own, revoked = math.max(own, ends), 1
        else
            last = math.max(last, ends)
        end
    end

    if ttl > 0 then
        last = math.max(last, own)
        call('HSET', keys[1], user, int(now) .. ' ' .. int(own))
    else
        call('HDEL', keys[1], user)
    end

    if last > 0 then
        call('EXPIREAT', keys[1], int(last))
    end

    publish(channel, 'revoked')

    return { revoked, now, own }
end


-- a consumer with pending requests stays until they are claimed: Redis would
-- drop them with it
local function ll1_sweep(keys, argv)
    local swept = 0

    for _, item in ipairs(call('XINFO', 'CONSUMERS', keys[1], argv[1])) do
        local consumer = {}

        for i = 1, #item, 2 do
            consumer[item[i]] = item[i + 1]
        end

        if consumer.pending == 0 and consumer.idle >= tonumber(argv[2]) then
            call('XGROUP', 'DELCONSUMER', keys[1], argv[1], consumer.name)
            swept = swept + 1
        end
    end

    return swept
end


register('ll1_due', ll1_due)
register('ll1_defer', ll1_defer)
register('ll1_beat', ll1_beat)
register('ll1_health', ll1_health, READ_ONLY)
register('ll1_revoke', ll1_revoke)
register('ll1_sweep', ll1_sweep)
