-- Read marks and unread messages.


-- The time of a mark, in milliseconds and as text.  It is never earlier than
-- the newest entry or the previous mark, although workers' clocks may differ.
local function mark_time(keys, w, ms, text)
    if tonumber(w.at) > tonumber(ms) then
        ms, text = w.at, string.match(w.last, '"at":"([^"]+)"}$') or text
    end

    local last, as_text = string.match(call('HGET', keys[META], 'marked') or '',
                                       '^(%-?%d+) (%S+)$')

    if last and tonumber(last) > tonumber(ms) then
        ms, text = last, as_text
    end

    return ms, text
end


-- How many messages user need not read (c:) once window w is read up to upto:
-- the old number and what the mark passes, or all but what follows it.  Only
-- the newest entries, limit of them, are counted here.  n messages of others
-- may have been counted already, after entry `after` up to `to`; entries do not
-- change.  If others are to be counted: nil, and their range.
local function mark_counted(keys, w, upto, limit, after, to, n)
    local passed = math.max(w.read, w.from - 1)
    local newest = w.newest - limit

    if after == passed and to == upto then
        return w.counted + n
    end

    if after ~= upto then
        to, n = upto, 0
    end

    if to == w.head or to >= newest then
        local senders, messages = count(keys, to + 1, w.head)

        return w.total - n - messages + (senders[w.user] or 0)
    end

    if after ~= upto and upto - passed < w.head - upto then
        return nil, passed, upto
    end

    return nil, upto, w.head
end


-- moves the mark of window w to upto, which lies in it: nil, or the range to
-- count first
local function mark_move(keys, w, upto, argv)
    local counted, after, last = mark_counted(keys, w, upto,
        tonumber(argv[7]), tonumber(argv[8]), tonumber(argv[9]),
        tonumber(argv[10]))

    if not counted then
        return after, last
    end

    w.unread = math.max(0, w.total - counted)

    local ms, text = mark_time(keys, w, argv[4], argv[5])

    w.ver = w.ver + 1
    w.read = upto

    call('HSET', keys[META], READ .. w.user, int(upto),
         COUNTED .. w.user, int(counted), 'ver', int(w.ver),
         'marked', ms .. ' ' .. text)
    call('XADD', keys[READS], '*', 'u', w.user, 'n', int(upto), 't', ms,
         unpack(w.state == 'o' and { 'h', int(w.newest) } or {}))
    publish(argv[6], 'R ' .. int(w.ver) .. ' ' .. int(w.rev) .. ' '
            .. w.user .. ' ' .. (w.state == 'o' and '1' or '0')
            .. '\n{"user":"' .. w.user .. '","upto":' .. int(upto)
            .. ',"at":"' .. text .. '"}')
end


local function ll1_mark(keys, argv)
    local upto = tonumber(argv[3])
    local w = window_of(keys, argv[2])

    if not w then
        return { 2 }
    end

    if upto > w.head then
        return { 1, w.head }
    end

    if upto > w.read and upto >= w.from and w.state ~= 'p' then
        local after, last = mark_move(keys, w, upto, argv)
        if after then
            return { 3, after, last }
        end
    end

    return { 0, w.ver, w.unread, w.at, shown_of(w) }
end


-- all users who have or had a window
local function members(keys)
    local users = {}

    for _, field in ipairs(call('HKEYS', keys[META])) do
        users[#users + 1] = string.match(field, '^m:(.*)$')
    end

    return users
end


local function ll1_badges(keys, argv)
    local out = { tonumber(call('HGET', keys[META], 'ver') or 0) }

    for _, user in ipairs(#argv > 0 and argv or members(keys)) do
        local w = window_of(keys, user)
        local i = #out

        out[i + 1], out[i + 2] = user, w and w.unread or 0
        out[i + 3], out[i + 4] = w and w.at or '0', w and shown_of(w) or '-'
    end

    return out
end


local function ll1_counts(keys, argv)
    local m = call('HMGET', keys[META], 'seq', 'n')
    local out = { tonumber(m[1] or 0), tonumber(m[2] or 0) }

    for _, user in ipairs(members(keys)) do
        local list = call('HMGET', keys[META], MEMBER .. user, READ .. user,
                          COUNTED .. user)
        local i = #out

        out[i + 1], out[i + 2], out[i + 3], out[i + 4] =
            user, list[1], list[2] or '0', list[3] or '0'
    end

    return out
end


local function ll1_recount(keys, argv)
    local seq, n = tonumber(argv[3]), tonumber(argv[4])
    local m = call('HMGET', keys[META], 'seq', 'n', 'ver', 'rev')
    local head = tonumber(m[1] or 0)

    if head < seq or head - seq > tonumber(argv[2]) then
        return 0
    end

    local set = {}

    for i = 5, #argv, 5 do
        local user, record, mark = argv[i], argv[i + 1], argv[i + 2]
        local old = call('HMGET', keys[META], MEMBER .. user, READ .. user)

        if old[1] ~= record or (old[2] or '0') ~= mark then
            return 0
        end
    end

    local senders, newest = count(keys, seq + 1, head)

    if n + newest ~= tonumber(m[2] or 0) then
        set[1], set[2] = 'n', int(n + newest)
    end

    for i = 5, #argv, 5 do
        local user, record, counted = argv[i], argv[i + 3], argv[i + 4]

        -- the mark of an open window can be one of the newest entries, but not
        -- a later one than those that were counted
        counted = tonumber(counted) + (senders[user] or 0)

        if record ~= argv[i + 1] then
            set[#set + 1], set[#set + 2] = MEMBER .. user, record
        end

        if int(counted) ~= (call('HGET', keys[META], COUNTED .. user) or '0')
        then
            set[#set + 1], set[#set + 2] = COUNTED .. user, int(counted)
        end
    end

    -- subscribers that have a wrong number ask again
    if #set > 0 then
        local ver = int(m[3] + 1)

        call('HSET', keys[META], 'ver', ver, unpack(set))
        publish(argv[1], 'L ' .. ver .. ' ' .. m[4] .. '\n')
    end

    return 1
end


local function ll1_count(keys, argv)
    local senders, total =
        count(keys, tonumber(argv[1]) + 1, tonumber(argv[2]))
    local out = { total }

    for sender, n in pairs(senders) do
        out[#out + 1], out[#out + 2] = sender, n
    end

    return out
end


register('ll1_mark', ll1_mark)
register('ll1_recount', ll1_recount)
register('ll1_badges', ll1_badges, READ_ONLY)
register('ll1_counts', ll1_counts, READ_ONLY)
register('ll1_count', ll1_count, READ_ONLY)
