-- The inbox of a user: one hash.  The field PROPERTY has the thread as JSON
-- without its brace, :PROPERTY its head, "VER UNREAD AT REV".  A thread that
-- has left the inbox has AT 0 and no JSON, and keeps its head for VER.  The
-- field ":" is the account, "REV TOTAL THREADS".
--
-- Lua hashes each string that it gets byte by byte, about 0.6 us for the JSON
-- of a thread, so the JSON is read and written as rarely as possible.
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


-- ver, unread, at, rev; a damaged head has ver -1, and is older than any other
local function inbox_head(head)
    local ver, unread, at, rev =
        string.match(head or '', '^(%-?%d+) (%d+) (%-?%d+) (%d+)$')

    return tonumber(ver) or -1, tonumber(unread) or 0, at or ABSENT,
           tonumber(rev) or 0
end


-- rev, total, number of threads
local function inbox_account(text)
    local rev, total, n = string.match(text or '', '^(%d+) (%-?%d+) (%d+)$')

    return tonumber(rev) or 0, tonumber(total) or 0, tonumber(n) or 0
end


local function account_text(rev, total, n)
    return int(rev) .. ' ' .. int(total) .. ' ' .. int(n)
end


-- list of { property, at, JSON, unread, rev } of all threads
local function inbox_all(keys)
    local list, json, out = call('HGETALL', keys[INBOX]), {}, {}

    for i = 1, #list, 2 do
        json[list[i]] = list[i + 1]
    end

    for i = 1, #list, 2 do
        local property = string.match(list[i], '^:(.+)$')
        local thread = property and json[property] or ''

        if thread ~= '' then
            local _, unread, at, rev = inbox_head(list[i + 1])
            out[#out + 1] = { property, tonumber(at), thread, unread, rev }
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


-- updates the sorted set for a thread that has a new time, came or left; the
-- inbox had old_n threads, and has n now
local function order_move(keys, property, at, n, old_n)
    if n <= SMALL then
        if old_n > SMALL then
            call('DEL', keys[ORDER])
        end

    elseif old_n <= SMALL then
        order_build(keys)

    elseif at == ABSENT then
        call('ZREM', keys[ORDER], property)

    else
        call('ZADD', keys[ORDER], int(0 - tonumber(at)), property)
    end
end


local function ll1_badge(keys, argv)
    local property, ver, unread, at, thread =
        argv[1], tonumber(argv[2]), tonumber(argv[3]), argv[4], argv[5]
    local held = call('HMGET', keys[INBOX], ':' .. property, ACCOUNT)
    local old_ver, old_unread, old_at, old_rev = inbox_head(held[1])

    if old_ver > ver or (old_ver == ver and argv[7] ~= '1') then
        return 0
    end

    local head = argv[2] .. ' ' .. argv[3] .. ' ' .. at .. ' '

    -- an equal time is the cheap test: the JSON is compared only after it
    if at == old_at
       and (call('HGET', keys[INBOX], property) or '') == thread
    then
        call('HSET', keys[INBOX], ':' .. property, head .. int(old_rev))
        return 0
    end

    local rev, total, old_n = inbox_account(held[2])
    local n = old_n + (at ~= ABSENT and 1 or 0) - (old_at ~= ABSENT and 1 or 0)
    local account = int(rev + 1) .. ' ' .. int(total + unread - old_unread)

    call('HSET', keys[INBOX], property, thread,
         ':' .. property, head .. int(rev + 1),
         ACCOUNT, account .. ' ' .. int(n))

    if at ~= old_at then
        order_move(keys, property, at, n, old_n)
    end

    local ending = at ~= ABSENT and ',"total_unread":'
                   .. int(total + unread - old_unread) .. '}' or ''

    call('PUBLISH', argv[6], 'I ' .. account .. '\n' .. thread .. ending)

    return 1
end


-- the account is wrong after this, until ll1_total rebuilds it
local function ll1_forget(keys, argv)
    local head = ':' .. argv[1]

    if call('HGET', keys[INBOX], head) ~= argv[2] then
        return 0
    end

    call('HDEL', keys[INBOX], argv[1], head)

    return 1
end


local function ll1_total(keys, argv)
    local all, total = inbox_all(keys), 0

    for _, item in ipairs(all) do
        total = total + item[4]
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
        call('PUBLISH', argv[1], 'I ' .. int(rev) .. ' ' .. int(total) .. '\n')
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


-- up to limit threads after place { property, at }, and whether there are more
local function page_of_all(keys, limit, place)
    local all, out = inbox_all(keys), {}

    table.sort(all, comes_before)

    for _, item in ipairs(all) do
        if not place or comes_before(place, item) then
            if #out == limit then
                return out, true
            end
            out[#out + 1] = item
        end
    end

    return out, false
end


-- the same from the sorted set
local function page_of_order(keys, limit, place)
    local out, offset, more = {}, 0, false
    local start = place and int(0 - place[2]) or '-inf'
    local list

    repeat
        list = call('ZRANGE', keys[ORDER], start, '+inf', 'BYSCORE', 'LIMIT',
                    offset, limit + 1, 'WITHSCORES')
        for i = 1, #list, 2 do
            local item = { list[i], 0 - tonumber(list[i + 1]) }
            if not more and (not place or comes_before(place, item)) then
                more = #out == limit
                out[#out + 1] = not more and item or nil
            end
        end

        offset = offset + limit + 1
    until more or #list < 2 * (limit + 1)

    for _, item in ipairs(out) do
        item[3] = call('HGET', keys[INBOX], item[1])
    end

    return out, more
end


local function ll1_inbox(keys, argv)
    local rev, total, n = inbox_account(call('HGET', keys[INBOX], ACCOUNT))
    local place = argv[2] ~= '' and { argv[3], tonumber(argv[2]) } or nil
    local page, more = (n > SMALL and page_of_order or page_of_all)(
        keys, tonumber(argv[1]), place)
    local bytes, size = tonumber(argv[4]) or math.huge, 0
    local out, last = {}, nil

    for i, item in ipairs(page) do
        if size > bytes then
            more = true
            break
        end
        out[i], last = item[3] .. '}', item
        size = size + #out[i]
    end

    return { rev, total, more and int(last[2]) .. '.' .. last[1] or '', out }
end


-- { rev, total, { rev, data, ... } }: changes after a rev, oldest first; an
-- empty list if there are more than 100, or the inbox is larger than SCAN_MAX
local function ll1_inbox_since(keys, argv)
    local rev, total, n = inbox_account(call('HGET', keys[INBOX], ACCOUNT))
    local since, changed, out = tonumber(argv[1]), {}, {}

    if since >= rev or n > SCAN_MAX then
        return { rev, total, out }
    end

    for _, item in ipairs(inbox_all(keys)) do
        if item[5] > since then
            changed[#changed + 1] = item
        end
    end

    if #changed <= 100 then
        table.sort(changed, function(a, b) return a[5] < b[5] end)

        for i, item in ipairs(changed) do
            out[2 * i - 1] = int(item[5])
            out[2 * i] = item[3] .. ',"total_unread":' .. int(total) .. '}'
        end
    end

    return { rev, total, out }
end


register('ll1_badge', ll1_badge)
register('ll1_forget', ll1_forget)
register('ll1_total', ll1_total)
register('ll1_inbox', ll1_inbox, READ_ONLY)
register('ll1_inbox_since', ll1_inbox_since, READ_ONLY)
