-- Read marks and unread messages, and the threads of a property as its users'
-- inboxes are to show them.


-- moves the mark of window w to upto, which lies in it
local function mark_move(keys, w, upto, argv)
    local passed = math.max(w.read, w.from - 1)

    if upto - passed < w.head - upto then
        w.unread = w.unread - count(keys, w.user, passed + 1, upto)
    else
        w.unread = count(keys, w.user, upto + 1, w.head)
    end

    w.ver = w.ver + 1
    w.read = upto

    call('HSET', keys[READ], w.user, int(upto))
    call('HSET', keys[UNREAD], w.user, int(w.unread))
    call('HSET', keys[META], 'ver', int(w.ver))
    call('XADD', keys[READS], '*', 'u', w.user, 'n', int(upto), 't', argv[4])
    call('PUBLISH', argv[6], 'R ' .. int(w.ver) .. ' ' .. int(w.rev) .. ' '
         .. w.user .. ' ' .. (w.state == 'o' and '1' or '0')
         .. '\n{"user":"' .. w.user .. '","upto":' .. int(upto) .. ',"at":"'
         .. argv[5] .. '"}')
end


local function ll1_mark(keys, argv)
    local upto = tonumber(argv[3])
    local w = look(keys, argv[2])

    if not w then
        return { 2 }
    end

    if upto > w.head then
        return { 1, w.head }
    end

    if upto > w.read and upto >= w.from and w.state ~= 'p' then
        mark_move(keys, w, upto, argv)
    end

    return { 0, w.ver, w.unread, w.at, thread_json(argv[1], w) }
end


-- { ver, user, unread, at, thread, ... }
local function threads(keys, property, users, each)
    local meta = meta_of(keys)
    local out = { tonumber(meta.ver or 0) }

    if #users == 0 then
        users = call('HKEYS', keys[MEMBERS])
    end

    for _, user in ipairs(users) do
        local w = look(keys, user, meta)

        if w and each then
            each(w)
        end

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


local function ll1_recount(keys, argv)
    local changed = false

    local out = threads(keys, argv[1], { unpack(argv, 3) }, function(w)
        if w.state == 'p' then
            return
        end

        local n = count(keys, w.user, math.max(w.read + 1, w.from), w.head)
        if n ~= w.unread then
            w.unread = n
            call('HSET', keys[UNREAD], w.user, int(n))
            changed = true
        end
    end)

    -- whoever has read the wrong number is to ask again
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
    local mark = call('HGET', keys[READ], user) or '0'
    local head = tonumber(call('HGET', keys[META], 'seq') or 0)
    local after = tonumber(argv[2]) or tonumber(mark)
    local last = math.min(head, after + tonumber(argv[3]))

    return { mark, last, count(keys, user, after + 1, last) }
end


register('ll1_mark', ll1_mark)
register('ll1_recount', ll1_recount)
register('ll1_threads', ll1_threads, READ_ONLY)
register('ll1_count', ll1_count, READ_ONLY)
