-- Read marks, unread messages, and the threads for the inboxes of a property's
-- users.


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


-- The number of unread messages in window w once it is read up to upto: the old
-- number minus those that the mark passes, or those that follow it, whichever
-- are fewer entries.  n messages of others may have been counted already, after
-- entry `after` up to `to`; entries do not change.  If more than limit entries
-- are to be counted: nil, and the range to count first.
local function mark_unread(keys, w, upto, limit, after, to, n)
    local passed = math.max(w.read, w.from - 1)

    if after == passed and to == upto then
        return w.unread - n
    end

    if after == upto and w.head - to <= limit then
        return n + count(keys, w.user, to + 1, w.head)
    end

    if upto - passed < w.head - upto then
        if upto - passed > limit then
            return nil, passed, upto
        end

        return w.unread - count(keys, w.user, passed + 1, upto)
    end

    if w.head - upto > limit then
        return nil, upto, w.head
    end

    return count(keys, w.user, upto + 1, w.head)
end


-- moves the mark of window w to upto, which lies in it: nil, or the range to
-- count first
local function mark_move(keys, w, upto, argv)
    local unread, after, last = mark_unread(keys, w, upto,
        tonumber(argv[7]) or math.huge, tonumber(argv[8]),
        tonumber(argv[9]), tonumber(argv[10]))

    if not unread then
        return after, last
    end

    w.unread = unread

    local ms, text = mark_time(keys, w, argv[4], argv[5])

    w.ver = w.ver + 1
    w.read = upto

    call('HSET', keys[META], READ .. w.user, int(upto),
         UNREAD .. w.user, int(w.unread), 'ver', int(w.ver),
         'marked', ms .. ' ' .. text)
    call('XADD', keys[READS], '*', 'u', w.user, 'n', int(upto), 't', ms)
    call('PUBLISH', argv[6], 'R ' .. int(w.ver) .. ' ' .. int(w.rev) .. ' '
         .. w.user .. ' ' .. (w.state == 'o' and '1' or '0')
         .. '\n{"user":"' .. w.user .. '","upto":' .. int(upto) .. ',"at":"'
         .. text .. '"}')
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

    return { 0, w.ver, w.unread, w.at, thread_json(argv[1], w) }
end


-- all users who have or had a window
local function members(keys)
    local users = {}

    for _, field in ipairs(call('HKEYS', keys[META])) do
        users[#users + 1] = string.match(field, '^m:(.*)$')
    end

    return users
end


-- { ver, user, unread, at, thread, ... }
local function threads(keys, property, users)
    local out = { tonumber(call('HGET', keys[META], 'ver') or 0) }

    if #users == 0 then
        users = members(keys)
    end

    for _, user in ipairs(users) do
        local w = window_of(keys, user)

        out[#out + 1] = user
        out[#out + 1] = w and w.unread or 0
        out[#out + 1] = w and w.at or '0'
        out[#out + 1] = w and thread_json(property, w) or ''
    end

    return out
end


local function ll1_threads(keys, argv)
    return threads(keys, argv[1], { unpack(argv, 2) })
end


-- counts the unread messages of window w again; returns as mark_unread does
local function recount(keys, w, limit, after, to, n)
    local passed = math.max(w.read, w.from - 1)

    if after ~= passed then
        to, n = passed, 0
    end

    if w.head - to > limit then
        return nil, passed, w.head
    end

    return n + count(keys, w.user, to + 1, w.head)
end


local function ll1_recount(keys, argv)
    local w = window_of(keys, argv[3])
    local changed = false

    if w and w.state ~= 'p' then
        local n, after, to = recount(keys, w, tonumber(argv[4]) or math.huge,
            tonumber(argv[5]), tonumber(argv[6]), tonumber(argv[7]))

        if not n then
            return { -1, after, to }
        end

        if n ~= w.unread then
            call('HSET', keys[META], UNREAD .. w.user, int(n))
            changed = true
        end
    end

    local out = threads(keys, argv[1], { argv[3] })

    -- subscribers that have the wrong number ask again
    if changed then
        out[1] = out[1] + 1
        call('HSET', keys[META], 'ver', int(out[1]))
        call('PUBLISH', argv[2], 'L ' .. int(out[1]) .. ' '
             .. call('HGET', keys[META], 'rev') .. '\n')
    end

    return out
end


local function ll1_count(keys, argv)
    local user = argv[1]
    local m = call('HMGET', keys[META], READ .. user, 'seq')
    local mark, head = m[1] or '0', tonumber(m[2] or 0)
    local after = tonumber(argv[2]) or tonumber(mark)
    local last = math.min(head, after + tonumber(argv[3]))

    return { mark, last, count(keys, user, after + 1, last) }
end


register('ll1_mark', ll1_mark)
register('ll1_recount', ll1_recount)
register('ll1_threads', ll1_threads, READ_ONLY)
register('ll1_members', members, READ_ONLY)
register('ll1_count', ll1_count, READ_ONLY)
