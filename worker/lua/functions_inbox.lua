-- The inbox of a user: an index of threads in one hash.  The field PROPERTY has
-- "VER UNREAD AT SHOWN REV", the field ":" the account, "REV TOTAL THREADS"
-- (docs/data.md).  A thread that has left the inbox has AT 0.
--
-- Most inboxes are small, and are sorted when they are read.  Those of more
-- than SMALL threads are kept in a sorted set, which costs each message about
-- 5 us.

local ACCOUNT = ':'
local ABSENT = '0'
local SMALL = 32

-- inboxes of more threads are not searched for changes: the reader reads them
-- again
local SCAN_MAX = 1000


-- ver, unread, at, shown, rev of a thread; a damaged one has ver -1, and is
-- older than any other
local function inbox_thread(text)
    local ver, unread, at, shown, rev =
        string.match(text or '', '^(%-?%d+) (%d+) (%-?%d+) (%S+) (%d+)$')

    if not ver then
        return -1, 0, ABSENT, '', '0'
    end

    return tonumber(ver), tonumber(unread), at, shown, rev
end


-- rev, total, number of threads
local function inbox_account(text)
    local rev, total, n = string.match(text or '', '^(%d+) (%-?%d+) (%d+)$')

    return tonumber(rev) or 0, tonumber(total) or 0, tonumber(n) or 0
end


local function account_text(rev, total, n)
    return int(rev) .. ' ' .. int(total) .. ' ' .. int(n)
end


-- list of { property, at, unread, rev } of all threads
local function inbox_all(keys)
    local list, out = call('HGETALL', keys[INBOX]), {}

    for i = 1, #list, 2 do
        local ver, unread, at, _, rev = inbox_thread(list[i + 1])

        if at ~= ABSENT and list[i] ~= ACCOUNT then
            out[#out + 1] = { list[i], tonumber(at), unread, tonumber(rev) }
        end
    end

    return out
end


-- builds the sorted set, by minus the time
local function order_build(keys)
    call('DEL', keys[ORDER])

    for _, item in ipairs(inbox_all(keys)) do
        call('ZADD', keys[ORDER], int(0 - item[2]), item[1])
    end
end


-- updates the sorted set for threads that have a new time, came or left: list
-- of property, at; the inbox had old_n threads, and has n now
local function order_move(keys, moved, n, old_n)
    if n <= SMALL then
        if old_n > SMALL then
            call('DEL', keys[ORDER])
        end

        return
    end

    if old_n <= SMALL then
        order_build(keys)
        return
    end

    for i = 1, #moved, 2 do
        if moved[i + 1] == ABSENT then
            call('ZREM', keys[ORDER], moved[i])
        else
            call('ZADD', keys[ORDER], int(0 - tonumber(moved[i + 1])), moved[i])
        end
    end
end


local function ll1_badge(keys, argv)
    local fields, n = {}, 0
    local lost = tonumber(string.match(argv[2], '^=(%d+)$') or '')

    for i = 3, #argv, 5 do
        n = n + 1
        fields[n] = argv[i]
    end

    fields[n + 1] = ACCOUNT

    local held = call('HMGET', keys[INBOX], unpack(fields))
    local rev, total, old_n = inbox_account(held[n + 1])
    local threads, set, moved, frames = old_n, {}, {}, {}

    for i = 1, n do
        local property, ver, unread, at, shown =
            unpack(argv, 5 * i - 2, 5 * i + 2)
        local old_ver, old_unread, old_at, old_shown, old_rev =
            inbox_thread(held[i])
        local newer = tonumber(ver) - old_ver

        if newer > 0 or (newer == 0 and argv[2] == '1') or old_ver == lost then
            unread = tonumber(unread)

            if unread ~= old_unread or at ~= old_at or shown ~= old_shown then
                rev = rev + 1
                total = math.max(0, total + unread - old_unread)
                threads = threads + (at ~= ABSENT and 1 or 0)
                          - (old_at ~= ABSENT and 1 or 0)
                old_rev = int(rev)
                frames[#frames + 1] = 'I ' .. old_rev .. ' ' .. int(total)
                    .. '\n' .. (at ~= ABSENT and property or '')

                if at ~= old_at then
                    moved[#moved + 1], moved[#moved + 2] = property, at
                end
            end

            set[#set + 1], set[#set + 2] = property, ver .. ' ' .. int(unread)
                .. ' ' .. at .. ' ' .. shown .. ' ' .. old_rev
        end
    end

    if #frames > 0 then
        set[#set + 1], set[#set + 2] = ACCOUNT,
                                       account_text(rev, total, threads)
    end

    if #set > 0 then
        call('HSET', keys[INBOX], unpack(set))
    end

    if #moved > 0 then
        order_move(keys, moved, threads, old_n)
    end

    for _, frame in ipairs(frames) do
        publish(argv[1], frame)
    end

    return #frames
end


-- the account is wrong after this, until ll1_total rebuilds it
local function ll1_forget(keys, argv)
    if call('HGET', keys[INBOX], argv[1]) ~= argv[2] then
        return 0
    end

    call('HDEL', keys[INBOX], argv[1])

    return 1
end


local function ll1_total(keys, argv)
    local all, total = inbox_all(keys), 0

    for _, item in ipairs(all) do
        total = total + item[3]
    end

    local rev, old_total, old_n =
        inbox_account(call('HGET', keys[INBOX], ACCOUNT))

    if #all > SMALL then
        order_build(keys)
    else
        call('DEL', keys[ORDER])
    end

    if total ~= old_total or #all ~= old_n then
        rev = rev + 1
        call('HSET', keys[INBOX], ACCOUNT, account_text(rev, total, #all))
        publish(argv[1], 'I ' .. int(rev) .. ' ' .. int(total) .. '\n')
    end

    return total
end


-- true if a sorts after b, by bytes: < depends on the locale
local function sorts_after(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then
            return x > y
        end
    end

    return #a > #b
end


-- newest first, then by property
local function comes_before(a, b)
    if a[2] ~= b[2] then
        return a[2] > b[2]
    end

    return sorts_after(b[1], a[1])
end


-- up to limit threads after cursor { property, at }, and whether there are more
local function page_of_all(keys, limit, cursor)
    local all, out = inbox_all(keys), {}

    table.sort(all, comes_before)

    for _, item in ipairs(all) do
        if not cursor or comes_before(cursor, item) then
            if #out == limit then
                return out, true
            end
            out[#out + 1] = item
        end
    end

    return out, false
end


-- the same from the sorted set
local function page_of_order(keys, limit, cursor)
    local out, offset, more = {}, 0, false
    local start = cursor and int(0 - cursor[2]) or '-inf'
    local list

    repeat
        list = call('ZRANGE', keys[ORDER], start, '+inf', 'BYSCORE', 'LIMIT',
                    offset, limit + 1, 'WITHSCORES')
        for i = 1, #list, 2 do
            local item = { list[i], 0 - tonumber(list[i + 1]) }
            if not more and (not cursor or comes_before(cursor, item)) then
                more = #out == limit
                out[#out + 1] = not more and item or nil
            end
        end

        offset = offset + limit + 1
    until more or #list < 2 * (limit + 1)

    return out, more
end


local function ll1_inbox(keys, argv)
    local rev, total, n = inbox_account(call('HGET', keys[INBOX], ACCOUNT))
    local cursor = argv[2] ~= '' and { argv[3], tonumber(argv[2]) } or nil
    local page, more = (n > SMALL and page_of_order or page_of_all)(
        keys, tonumber(argv[1]), cursor)
    local out = {}

    for i, item in ipairs(page) do
        out[2 * i - 1], out[2 * i] = item[1], int(item[2])
    end

    return { rev, total, more and 1 or 0, out }
end


-- { rev, total, { rev, property, ... } }: changes after a rev, oldest first; nil
-- for the list if there are more than 100, or the inbox is larger than SCAN_MAX
local function ll1_inbox_since(keys, argv)
    local rev, total, n = inbox_account(call('HGET', keys[INBOX], ACCOUNT))
    local since, changed, out = tonumber(argv[1]), {}, {}

    if since >= rev or n > SCAN_MAX then
        return { rev, total, since >= rev and out or false }
    end

    for _, item in ipairs(inbox_all(keys)) do
        if item[4] > since then
            changed[#changed + 1] = item
        end
    end

    if #changed > 100 then
        return { rev, total, false }
    end

    table.sort(changed, function(a, b) return a[4] < b[4] end)

    for i, item in ipairs(changed) do
        out[2 * i - 1], out[2 * i] = int(item[4]), item[1]
    end

    return { rev, total, out }
end


register('ll1_badge', ll1_badge)
register('ll1_forget', ll1_forget)
register('ll1_total', ll1_total)
register('ll1_inbox', ll1_inbox, READ_ONLY)
register('ll1_inbox_since', ll1_inbox_since, READ_ONLY)
