-- The inbox of a user.


local function with_total(thread, total)
    return string.sub(thread, 1, -2) .. ',"total_unread":' .. int(total) .. '}'
end


-- a change of the inbox, for those who watch it
local function publish_thread(keys, channel, property, thread, more)
    local account = call('HMGET', keys[ACCOUNT], 'rev', 'total')
    local rev = tonumber(account[1] or 0) + 1
    local total = tonumber(account[2] or 0) + more

    call('HSET', keys[ACCOUNT], 'rev', int(rev), 'total', int(total))

    if thread ~= '' then
        call('ZADD', keys[REVS], int(rev), property)
        thread = with_total(thread, total)
    end

    call('PUBLISH', channel,
         'I ' .. int(rev) .. ' ' .. int(total) .. '\n' .. thread)
end


-- version, unread, time and thread; what is damaged is older than anything
local function inbox_record(record)
    local ver, unread, at, thread =
        string.match(record or '', '^(%-?%d+) (%d+) (%-?%d+)\n(.*)$')

    return tonumber(ver) or -1, tonumber(unread) or 0, at or '0', thread or ''
end


local function ll1_badge(keys, argv)
    local property, ver, unread, at, thread, channel =
        argv[1], tonumber(argv[2]), tonumber(argv[3]), argv[4], argv[5],
        argv[6]
    local old_ver, old_unread, old_at, old_thread =
        inbox_record(call('HGET', keys[INBOX], property))

    if old_ver > ver or (old_ver == ver and argv[7] ~= '1') then
        return 0
    end

    call('HSET', keys[INBOX], property, int(ver) .. ' ' .. int(unread) .. ' '
         .. at .. '\n' .. thread)

    local placed = argv[7] ~= '1' or thread == ''
        or tonumber(call('ZSCORE', keys[ORDER], property) or '')
           == 0 - tonumber(at)

    if thread == old_thread and at == old_at and placed then
        return 0
    end

    if thread == '' then
        call('ZREM', keys[ORDER], property)
        call('ZREM', keys[REVS], property)

    elseif at ~= old_at or old_thread == '' or not placed then
        call('ZADD', keys[ORDER], int(0 - tonumber(at)), property)
    end

    publish_thread(keys, channel, property, thread,
                   unread - old_unread)
    return 1
end


local function ll1_total(keys, argv)
    local total = 0

    for _, record in ipairs(call('HVALS', keys[INBOX])) do
        local _, unread = inbox_record(record)
        total = total + unread
    end

    if total ~= tonumber(call('HGET', keys[ACCOUNT], 'total') or 0) then
        local rev = call('HINCRBY', keys[ACCOUNT], 'rev', 1)
        call('HSET', keys[ACCOUNT], 'total', int(total))
        call('PUBLISH', argv[1], 'I ' .. int(rev) .. ' ' .. int(total) .. '\n')
    end

    return total
end


local function thread_of(record)
    return string.match(record or '', '^[^\n]*\n(.*)$') or ''
end


-- whether a sorts after b, by bytes whatever the locale
local function sorts_after(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then
            return x > y
        end
    end

    return #a > #b
end


-- up to limit places of the inbox after (at, property), and whether more
local function inbox_page(keys, limit, at, property)
    local out, offset = {}, 0
    local start = at ~= '' and 0 - tonumber(at) or nil

    repeat
        local list = call('ZRANGE', keys[ORDER], start and int(start) or '-inf',
                          '+inf', 'BYSCORE', 'LIMIT', offset, limit + 1,
                          'WITHSCORES')
        for i = 1, #list, 2 do
            local score = tonumber(list[i + 1])
            if score ~= start or sorts_after(list[i], property) then
                if #out == limit then
                    return out, true
                end
                out[#out + 1] = { list[i], score }
            end
        end

        offset = offset + limit + 1
    until #list < 2 * (limit + 1)

    return out, false
end


local function ll1_inbox(keys, argv)
    local account = call('HMGET', keys[ACCOUNT], 'rev', 'total')
    local page, more = inbox_page(keys, tonumber(argv[1]), argv[2], argv[3])
    local properties, out, place = {}, {}, ''

    for i, item in ipairs(page) do
        properties[i] = item[1]
    end

    if #properties > 0 then
        local records = call('HMGET', keys[INBOX], unpack(properties))
        for i = 1, #properties do
            out[#out + 1] = thread_of(records[i])
        end
    end

    if more then
        local item = page[#page]
        place = int(0 - item[2]) .. '.' .. item[1]
    end

    return { tonumber(account[1] or 0), tonumber(account[2] or 0), place, out }
end


local function ll1_inbox_since(keys, argv)
    local account = call('HMGET', keys[ACCOUNT], 'rev', 'total')
    local rev, total = tonumber(account[1] or 0), tonumber(account[2] or 0)
    local list = call('ZRANGE', keys[REVS], '(' .. argv[1], '+inf', 'BYSCORE',
                      'LIMIT', 0, 101, 'WITHSCORES')
    local out = {}

    if #list <= 200 then
        for i = 1, #list, 2 do
            local record = call('HGET', keys[INBOX], list[i])
            out[i] = list[i + 1]
            out[i + 1] = with_total(thread_of(record), total)
        end
    end

    return { rev, total, out }
end


register('ll1_badge', ll1_badge)
register('ll1_total', ll1_total)
register('ll1_inbox', ll1_inbox, READ_ONLY)
register('ll1_inbox_since', ll1_inbox_since, READ_ONLY)
