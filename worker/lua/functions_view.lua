-- What a user may see of a property, and which entries a channel has missed.


-- adds what view, a field of meta, shows of a lease: label, lease, parties
local function window_view(w, view)
    local sig

    sig, w.label, w.lease, w.lines =
        string.match(view, '^([^\n]+)\n([^\n]+)\n([^\n]+)\n(.*)$')
    w.sig = w.state .. w.role .. sig
end


local function window_open(keys, w, meta)
    window_view(w, meta.view)
    w.head = tonumber(meta.seq)
    w.tag = tag_of(meta.hash)
    w.at, w.last, w.total = meta.at, meta.last, tonumber(meta.n or 0)
end


local function window_closed(keys, w, meta, to)
    local snap = call('HGET', keys[SNAPS], to) or ''

    w.head = tonumber(to)
    w.tag, w.at, w.label, w.lease, w.last, w.lines =
        string.match(snap, '^([^\n]+)\n([^\n]+)\n([^\n]+)\n([^\n]+)\n'
                           .. '([^\n]+)\n(.*)$')
    w.sig = w.state .. w.role .. to
    return w.tag
end


local function window_pending(keys, w, meta)
    w.head = 0
    w.tag = tag_of(meta.h0)
    window_view(w, meta.pview)
    w.at, w.last = meta.pat, 'null'
end


local FIELDS = {
    'ver', 'rev', 'seq', 'hash', 'h0', 'n', 'at', 'last', 'next',
    'view', 'pview', 'pat', 'zone', 'sealed', 'erasures'
}


-- the fields of a member's record: state, role, from, to, n, skip; nil for one
-- without a window
local function member_of(record)
    local state, role, from, rest =
        string.match(record or '', '^([ocp]) ([lt]) ?(%d*) ?([%d ]*)$')

    if state ~= 'c' then
        return state, role, tonumber(from) or 0, nil, nil, tonumber(rest) or 0
    end

    local to, skip, n = string.match(rest, '^(%d+) (%d+) (%d+)$')

    if to then
        return state, role, tonumber(from), to, tonumber(n), tonumber(skip)
    end
end


-- The window of a user, without the entries; nil if the user may see nothing.
-- The member's record is read by a call of its own: if all fields were read at
-- once, a stranger could tell by the time whether the property exists.
local function window_of(keys, user)
    local state, role, from, to, total =
        member_of(call('HGET', keys[META], MEMBER .. user))

    if not state then
        return nil
    end

    local list = call('HMGET', keys[META], COUNTED .. user, READ .. user,
                      unpack(FIELDS))
    local meta = {}

    for i, name in ipairs(FIELDS) do
        meta[name] = list[i + 2]
    end

    local w = { state = state, role = role, from = from, total = total,
                ver = tonumber(meta.ver), rev = tonumber(meta.rev),
                h0 = meta.h0, zone = meta.zone or '', user = user,
                read = 0, unread = 0, counted = tonumber(list[1] or 0),
                newest = tonumber(meta.seq) }

    w.sealed, w.size = sealed_of(meta.sealed)
    w.erasures = tonumber(meta.erasures or 0)

    if state == 'p' then
        window_pending(keys, w, meta)

    else
        if state == 'o' then
            window_open(keys, w, meta)

        elseif not window_closed(keys, w, meta, to) then
            return nil
        end

        w.unread = math.max(0, w.total - w.counted)
        w.read = tonumber(list[2] or 0)
        if w.read < w.from then
            w.read = 0
        end
    end

    if role == 'l' then
        local nxt = state ~= 'p' and meta.next or 'null'
        w.lease = w.lease .. ',"next":' .. nxt .. '}'
        w.sig = w.sig .. nxt

    else
        w.lease = w.lease .. '}'
    end

    return w
end


-- formats each line of parties with the present read mark by form()
local function parties_marked(keys, lines, form)
    local users, froms, fragments, out = {}, {}, {}, {}

    for user, from, fragment in string.gmatch(lines,
                                              '(%S+) (%d+) ([^\n]+)\n')
    do
        users[#users + 1] = READ .. user
        froms[#froms + 1] = tonumber(from)
        fragments[#fragments + 1] = fragment
    end

    if #users == 0 then
        return out
    end

    local marks = call('HMGET', keys[META], unpack(users))

    for i, field in ipairs(users) do
        local mark = tonumber(marks[i] or 0)
        -- from is 0 in a pending lease, of which nothing can be read
        if froms[i] == 0 or mark < froms[i] then
            mark = 0
        end
        out[i] = form(string.sub(field, #READ + 1), int(mark), fragments[i])
    end

    return out
end


local function party_json(user, mark, fragment)
    return fragment .. ',"read":' .. mark .. '}'
end


local function party_line(user, mark, fragment)
    return user .. ' ' .. mark .. ' ' .. fragment .. '\n'
end


local function parties_json(keys, w)
    local out

    if w.state ~= 'c' then
        out = parties_marked(keys, w.lines, party_json)

    else
        out = {}
        for user, mark, fragment in string.gmatch(w.lines,
                                                  '(%S+) (%d+) ([^\n]+)\n')
        do
            if user == w.user then
                mark = int(w.read)
            end
            out[#out + 1] = party_json(user, mark, fragment)
        end
    end

    return '[' .. table.concat(out, ',') .. ']'
end


local function you_json(w)
    return '{"role":"' .. ROLES[w.role] .. '","read":' .. int(w.read)
           .. ',"unread":' .. int(w.unread) .. ',"can_write":'
           .. (w.state == 'o' and 'true' or 'false') .. '}'
end


-- parties for the inbox: the first ones, and the number of others
local function parties_short(lines)
    local out, n = {}, 0

    for fragment in string.gmatch(lines, '%S+ %d+ ([^\n]+)\n') do
        n = n + 1
        out[n] = n <= PARTIES and fragment .. '}' or nil
    end

    return ',"parties":[' .. table.concat(out, ',') .. ']'
           .. (n > PARTIES and ',"more_parties":' .. int(n - PARTIES) or '')
end


-- What else than unread and at a thread of the inbox shows: it is unchanged
-- while this is.  A tenant's closed window shows the same for ever, as it ends
-- with an entry about the lease, which cannot be erased.
local function shown_of(w)
    return int(w.head) .. '.'
           .. (w.state == 'c' and w.role == 't' and '0' or int(w.rev))
           .. (string.match(w.last or '', '^{"seq":%d+,"kind":"erased"')
               and 'e' or '')
end


-- a thread of the inbox, without its brace
local function thread_json(property, w)
    return '{"property":"' .. property .. '","label":' .. w.label
           .. ',"role":"' .. ROLES[w.role] .. '","lease":' .. w.lease
           .. parties_short(w.lines)
           .. ',"unread":' .. int(w.unread) .. ',"last":' .. w.last
end


-- whether seq and tag are on the chain.  For a sealed entry: true, and what
-- nginx compares: { seq, tag, entries in each segment, segment }.
local function on_chain(keys, w, seq, tag)
    if seq > w.head then
        return false, {}
    end

    if tag == '' then
        return true, {}
    end

    if seq == w.head then
        return tag == w.tag, {}
    end

    if seq == 0 then
        return tag == tag_of(w.h0), {}
    end

    if seq <= w.sealed then
        local k = math.floor((seq - 1) / w.size)
        return true, { seq, tag, w.size, segment_get(keys, k) }
    end

    -- any tag is valid for a lost entry, so that no reader starts over
    local hash = stream_range(keys, seq, seq, false)[1][2][HASH]
    return hash == '' or tag_of(hash) == tag, {}
end


-- the entries a to b of the stream, oldest first, as a list of tag and entry,
-- and the first and last of them; they end, or begin if backward, with the
-- entry that exceeds bytes.  The tag of a lost entry is empty.
local function stream_entries(keys, a, b, bytes, backward)
    local out, size, n = {}, 0, 0
    local list = stream_range(keys, a, b, backward)

    for _, item in ipairs(list) do
        if size > bytes then
            break
        end
        n = n + 1
        size = size + #item[2][ENTRY]
    end

    for i = 1, n do
        local fields = list[backward and n + 1 - i or i][2]
        out[2 * i - 1] = fields[HASH] ~= '' and tag_of(fields[HASH]) or ''
        out[2 * i] = fields[ENTRY]
    end

    if backward then
        return out, b - n + 1, b
    end

    return out, a, a + n - 1
end


-- Entries from first to last, oldest first: a list as of stream_entries(), the
-- number of the first, true if the limits cut it, and the sealed ones, which
-- come before that list: { first, last, entries in each segment, backward,
-- bytes, segments ... }, or {} if there are none.
local function entries(keys, w, first, last, limit, bytes, backward)
    if first > last or limit < 1 then
        return {}, 0, first <= last, {}
    end

    local a = backward and math.max(first, last - limit + 1) or first
    local b = backward and last or math.min(last, first + limit - 1)
    local out, from, to = {}, b + 1, a - 1

    if backward and b > w.sealed then
        out, from, to = stream_entries(keys, math.max(a, w.sealed + 1), b,
                                       bytes, true)
    end

    -- the limit of bytes is reached by the stream
    if a > w.sealed or (backward and from > w.sealed + 1) then
        if not backward then
            out, from, to = stream_entries(keys, a, b, bytes, false)
        end
        return out, from, from > first or to < last, {}
    end

    local blobs, c, d = segments(keys, w.size, a, math.min(b, w.sealed), bytes,
                                 backward)

    if not backward and d == w.sealed and b > d then
        out, from, to = stream_entries(keys, d + 1, b, bytes, false)
    end

    return out, c, c > first or math.max(d, to) < last,
           { c, d, w.size, backward and 1 or 0, bytes, unpack(blobs) }
end


local function ll1_view(keys, argv)
    local user, mode, tag = argv[1], argv[2], argv[4]
    local seq, limit, bytes =
        tonumber(argv[3]) or 0, tonumber(argv[5]) or 0, tonumber(argv[6]) or 0
    local w = window_of(keys, user)

    if not w then
        return false
    end

    local list, first, more, sealed, valid, check = {}, 0, false, {}, true, {}

    if mode == 'after' then
        valid, check = on_chain(keys, w, seq, tag)

        if valid then
            list, first, more, sealed =
                entries(keys, w, math.max(seq + 1, w.from), w.head, limit,
                        bytes, false)
        end

    elseif w.state ~= 'p' and (mode == 'before' or mode == 'newest') then
        local last = w.head
        if mode == 'before' then
            last = math.min(last, seq - 1)
        end
        list, first, more, sealed =
            entries(keys, w, w.from, last, limit, bytes, true)
    end

    local out = { w.ver, w.rev, ROLES[w.role],
                  w.state == 'o' and 'open' or w.state == 'c' and 'closed'
                  or 'pending', w.from, w.head, w.tag, w.sig, w.label, w.lease,
                  you_json(w), parties_json(keys, w), valid and 1 or 0,
                  more and 1 or 0, first, list, w.zone, sealed, check }

    -- an older nginx does not ask for these
    if argv[7] then
        local known = tonumber(argv[7]) or w.erasures

        out[20] = w.from == 1 and w.head == w.newest and w.erasures
                  or erasures_within(keys, w.erasures, w.from, w.head)
        out[21], out[22] = erasures_since(keys, w.erasures, known, w.from,
                                          math.min(w.head, seq))
    end

    return out
end


local function ll1_thread(keys, argv)
    local w = window_of(keys, argv[2])

    return w and thread_json(argv[1], w) or false
end


local function ll1_window(keys, argv)
    local w = window_of(keys, argv[1])

    return w and { math.max(w.from, 1), w.head, w.label } or false
end


local function ll1_access(keys, argv)
    local record = call('HGET', keys[META], MEMBER .. argv[1])

    return record and string.match(record, '^[ocp] [lt]') and 1 or false
end


local function ll1_since(keys, argv)
    local meta = call('HMGET', keys[META], 'ver', 'rev', 'seq', 'hash', 'h0',
                      'sealed', 'erasures')

    if not meta[1] then
        return false
    end

    local w = { head = tonumber(meta[3]), tag = tag_of(meta[4]), h0 = meta[5] }
    local seq = tonumber(argv[1]) or 0
    local list, first, more, sealed = {}, 0, false, {}

    w.sealed, w.size = sealed_of(meta[6])

    local valid, check = on_chain(keys, w, seq, argv[2])

    if valid then
        list, first, more, sealed =
            entries(keys, w, seq + 1, w.head, tonumber(argv[3]) or 0,
                    tonumber(argv[4]) or 0, false)
    end

    local out = { tonumber(meta[1]), tonumber(meta[2]), w.head, w.tag,
                  valid and 1 or 0, first, list, sealed, check }

    -- an older nginx does not ask for this
    if argv[5] then
        out[10] = tonumber(meta[7] or 0)
    end

    return out
end


register('ll1_view', ll1_view, READ_ONLY)
register('ll1_thread', ll1_thread, READ_ONLY)
register('ll1_window', ll1_window, READ_ONLY)
register('ll1_access', ll1_access, READ_ONLY)
register('ll1_since', ll1_since, READ_ONLY)
