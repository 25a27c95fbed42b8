-- What a user may see of a property, and which entries a channel has missed.


local function window_open(keys, w, meta)
    w.head = tonumber(meta.seq)
    w.tag = tag_of(meta.hash)
    w.label, w.lease, w.lines = meta.label, meta.lease, meta.parties
    w.at, w.last = meta.at, meta.last
    w.sig = w.state .. w.role .. meta.sig
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
    w.label, w.lease, w.lines = meta.plabel, meta.please, meta.pparties
    w.at, w.last = meta.pat, 'null'
    w.sig = w.state .. w.role .. meta.psig
end


local FIELDS = {
    'ver', 'rev', 'seq', 'hash', 'h0', 'at', 'last', 'next',
    'label', 'lease', 'parties', 'sig',
    'plabel', 'please', 'pparties', 'psig', 'pat', 'zone'
}


-- The window of a user, without the entries; nil if the user may see nothing.
-- The member's record is read by a call of its own: if all fields were read at
-- once, a stranger could tell by the time whether the property exists.
local function window_of(keys, user)
    local state, role, from, to =
        string.match(call('HGET', keys[META], MEMBER .. user) or '',
                     '^([ocp]) ([lt]) ?(%d*) ?(%d*)$')

    if not state then
        return nil
    end

    local list = call('HMGET', keys[META], UNREAD .. user, READ .. user,
                      unpack(FIELDS))
    local meta = {}

    for i, name in ipairs(FIELDS) do
        meta[name] = list[i + 2]
    end

    local w = { state = state, role = role, from = tonumber(from) or 0,
                ver = tonumber(meta.ver), rev = tonumber(meta.rev),
                h0 = meta.h0, zone = meta.zone or '', user = user,
                read = 0, unread = 0 }

    if state == 'p' then
        window_pending(keys, w, meta)

    else
        if state == 'o' then
            window_open(keys, w, meta)

        elseif not window_closed(keys, w, meta, to) then
            return nil
        end

        w.unread = tonumber(list[1] or 0)
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


-- a thread of the inbox, without its brace; worker/thread/view.c makes the same
local function thread_json(property, w)
    return '{"property":"' .. property .. '","label":' .. w.label
           .. ',"role":"' .. ROLES[w.role] .. '","lease":' .. w.lease
           .. parties_short(w.lines)
           .. ',"unread":' .. int(w.unread) .. ',"last":' .. w.last
end


local function on_chain(keys, seq, tag, head, head_tag, h0)
    if seq > head then
        return false
    end

    if tag == '' then
        return true
    end

    if seq == head then
        return tag == head_tag
    end

    if seq == 0 then
        return tag == tag_of(h0)
    end

    -- any tag is valid for a lost entry, so that no reader starts over
    local id = int(seq) .. '-0'
    local list = call('XRANGE', keys[THREAD], id, id)
    return list[1] == nil or tag_of(list[1][2][HASH]) == tag
end


-- An entry that is missing in the thread although its number was used.  Its
-- time is that of the entry before it, or else after it.
local function lost_entry(keys, seq)
    local item = call('XREVRANGE', keys[THREAD], int(seq - 1) .. '-0', '-',
                      'COUNT', 1)[1]
              or call('XRANGE', keys[THREAD], int(seq + 1) .. '-0', '+',
                      'COUNT', 1)[1]
    local at = item and string.match(item[2][ENTRY], '"at":"([^"]*)"')
               or '1970-01-01T00:00:00.000Z'

    return '{"seq":' .. int(seq) .. ',"kind":"lost","at":"' .. at .. '"}'
end


-- the list of XRANGE from a to b, with a lost entry for each that is missing
local function with_lost(keys, list, a, b, backward)
    local found, out = {}, {}

    for _, item in ipairs(list) do
        found[item[1]] = item
    end

    for i = 1, b - a + 1 do
        local seq = backward and b - i + 1 or a + i - 1

        out[i] = found[int(seq) .. '-0']
                 or { '', { 'e', lost_entry(keys, seq), 's', '', 'h', '' } }
    end

    return out
end


-- entries from first to last, oldest first: list of tag and entry, number of
-- the first, true if the limits cut it.  The tag of a lost entry is empty.
local function entries(keys, first, last, limit, bytes, backward)
    local out, size, n = {}, 0, 0

    if first > last or limit < 1 then
        return out, 0, first <= last
    end

    -- numbers are consecutive, so this range has limit entries at most
    local a, b, list = first, last, nil

    if backward then
        a = math.max(a, b - limit + 1)
        list = call('XREVRANGE', keys[THREAD], int(b) .. '-0', int(a) .. '-0')
    else
        b = math.min(b, a + limit - 1)
        list = call('XRANGE', keys[THREAD], int(a) .. '-0', int(b) .. '-0')
    end

    if #list < b - a + 1 then
        list = with_lost(keys, list, a, b, backward)
    end

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

    return out, backward and b - n + 1 or a, n < last - first + 1
end


local function ll1_view(keys, argv)
    local user, mode, tag = argv[1], argv[2], argv[4]
    local seq, limit, bytes =
        tonumber(argv[3]) or 0, tonumber(argv[5]) or 0, tonumber(argv[6]) or 0
    local w = window_of(keys, user)

    if not w then
        return false
    end

    local list, first, more, valid = {}, 0, false, 1

    if mode == 'after' then
        if on_chain(keys, seq, tag, w.head, w.tag, w.h0) then
            list, first, more = entries(keys, math.max(seq + 1, w.from),
                                        w.head, limit, bytes, false)
        else
            valid = 0
        end

    elseif w.state ~= 'p' and (mode == 'before' or mode == 'newest') then
        local last = w.head
        if mode == 'before' then
            last = math.min(last, seq - 1)
        end
        list, first, more = entries(keys, w.from, last, limit, bytes, true)
    end

    return { w.ver, w.rev, ROLES[w.role],
             w.state == 'o' and 'open' or w.state == 'c' and 'closed'
             or 'pending', w.from, w.head, w.tag, w.sig, w.label, w.lease,
             you_json(w), parties_json(keys, w), valid, more and 1 or 0,
             first, list, w.zone }
end


local function ll1_access(keys, argv)
    local record = call('HGET', keys[META], MEMBER .. argv[1])

    return record and string.match(record, '^[ocp] [lt]') and 1 or false
end


local function ll1_since(keys, argv)
    local meta = call('HMGET', keys[META], 'ver', 'rev', 'seq', 'hash', 'h0')

    if not meta[1] then
        return false
    end

    local head, head_tag = tonumber(meta[3]), tag_of(meta[4])
    local seq = tonumber(argv[1]) or 0
    local list, first = {}, 0
    local valid = on_chain(keys, seq, argv[2], head, head_tag, meta[5])

    if valid then
        list, first = entries(keys, seq + 1, head, tonumber(argv[3]) or 0,
                              tonumber(argv[4]) or 0, false)
    end

    return { tonumber(meta[1]), tonumber(meta[2]), head, head_tag,
             valid and 1 or 0, first, list }
end


register('ll1_view', ll1_view, READ_ONLY)
register('ll1_access', ll1_access, READ_ONLY)
register('ll1_since', ll1_since, READ_ONLY)
