#!lua name=leaseloft_1

-- The functions that nginx and the workers call in Redis.
--
-- docs/data.md says what lies in each key, and describes the functions that
-- nginx calls.  Each function touches the keys of one hash tag, and is atomic.
-- Nothing is decided here about leases: the worker decides, and a function
-- commits what was decided if the property is still as the worker saw it, or
-- else answers how it really is.  Nothing is hashed or parsed here either.
--
-- For the workers, with KEYS those of a property unless said otherwise:
--
-- ll1_state (lease)
--     { 2, seq, hash, at, rev, ver, state }; nil for what is not there.  This
--     is also what the next two answer when the property has moved on.  The
--     8th is what is kept of that lease, if it has ended.
-- ll1_append (sent id, seq, hash, rev, at, entry, salt, hash, last, sender,
--             channel, expiry of the sent ids in ms, other users ...)
--     KEYS[9] and KEYS[10]: this and the previous bucket of sent ids.
--     { 0, ver, unread of each other user ..., unread of the sender },
--     { 1, seq, entry } if this id was sent before, or as ll1_state.
--     seq, the first hash and rev: what the caller built upon.
-- ll1_lease (seq, hash, rev, channel, operations ...)
--     { 0, ver }, or as ll1_state.  See "operations" below.
-- ll1_mark (property, user, upto, time, time as RFC 3339, channel)
--     { 0, ver, unread, at, thread }, the last three for ll1_badge;
--     { 1, head } if upto lies past it; { 2 } if the user has no window.
-- ll1_threads (property, users ...)
--     { ver, user, unread, at, thread, ... }: what the inbox of each of the
--     users (of all, if none is named) has to show; an empty thread is none.
-- ll1_recount (property, channel, users ...)
--     as ll1_threads, having counted unread messages anew.
-- ll1_count (user, after, limit)
--     { read mark, seq, messages }: those not the user's own after the read
--     mark, or after `after` if it is not empty, up to seq, which lies at most
--     limit entries on.
-- ll1_badge (property, ver, unread, at, thread, channel, force)
--     KEYS: those of a user.  Puts a thread into the inbox as of ver, unless
--     what it holds is as new (newer, if force is 1): 1 if that changed it.
-- ll1_total (channel)
--     KEYS: those of a user.  Adds the total up anew: the total.
-- ll1_due (property, rev, time)
--     KEYS: due, vers.  The next due time (none, if empty) as of rev, unless
--     a newer rev has set it: 1 if it did.
-- ll1_beat (worker, record)
--     KEYS: workers.  A heartbeat; an empty record takes the worker off.
--
-- A member's record is one of
--     o ROLE FROM        an open window; ROLE is l or t
--     c ROLE FROM TO     a closed one, with what it shows in snaps at TO
--     p ROLE             party of the pending lease, no window
--     x                  none any more; the inbox is to forget the thread
--
-- Fields of meta for views: label, lease (less its brace), parties, sig of the
-- active lease; plabel, please, pparties, psig, pat (when it was declared) of
-- the pending one; next, the pending one in short; last, of the newest entry.
-- Lines of parties are "USER FROM FRAGMENT", those in a snap "USER MARK
-- FRAGMENT", each fragment a party as JSON less its brace.

local THREAD, META, MEMBERS, UNREAD, READ, READS, SNAPS, LEASES =
    1, 2, 3, 4, 5, 6, 7, 8
local INBOX, ORDER, REVS, ACCOUNT = 1, 2, 3, 4

-- where an entry's values stand in its list of fields
local ENTRY, HASH, SENDER = 2, 6, 8

local ROLES = { l = 'landlord', t = 'tenant' }
local SCAN = 1000


-- redis.call itself is not there yet while the library is loaded
local function call(...)
    return redis.call(...)
end


local function tag_of(hash)
    return string.format('%02x%02x%02x%02x', string.byte(hash, 1, 4))
end


local function int(n)
    return string.format('%.0f', n)
end


-- messages from first to last that are not the user's own
local function count(keys, user, first, last)
    local n = 0

    while first <= last do
        local list = call('XRANGE', keys[THREAD], int(first) .. '-0',
                          int(last) .. '-0', 'COUNT', SCAN)
        for _, item in ipairs(list) do
            local sender = item[2][SENDER]
            if sender ~= '' and sender ~= user then
                n = n + 1
            end
        end

        if #list < SCAN then
            break
        end

        first = tonumber(string.match(list[#list][1], '^%d+')) + 1
    end

    return n
end


local function look_open(keys, w, meta)
    w.head = tonumber(meta.seq)
    w.tag = tag_of(meta.hash)
    w.label, w.lease, w.lines = meta.label, meta.lease, meta.parties
    w.at, w.last = meta.at, meta.last
    w.sig = w.state .. w.role .. meta.sig
end


local function look_closed(keys, w, meta, to)
    local snap = call('HGET', keys[SNAPS], to) or ''

    w.head = tonumber(to)
    w.tag, w.at, w.label, w.lease, w.last, w.lines =
        string.match(snap, '^([^\n]+)\n([^\n]+)\n([^\n]+)\n([^\n]+)\n'
                           .. '([^\n]+)\n(.*)$')
    w.sig = w.state .. w.role .. to
    return w.tag
end


local function look_pending(keys, w, meta)
    w.head = 0
    w.tag = tag_of(meta.h0)
    w.label, w.lease, w.lines = meta.plabel, meta.please, meta.pparties
    w.at, w.last = meta.pat, 'null'
    w.sig = w.state .. w.role .. meta.psig
end


local FIELDS = {
    'ver', 'rev', 'seq', 'hash', 'h0', 'at', 'last', 'next',
    'label', 'lease', 'parties', 'sig',
    'plabel', 'please', 'pparties', 'psig', 'pat'
}


local function meta_of(keys)
    local list = call('HMGET', keys[META], unpack(FIELDS))
    local meta = {}

    for i, name in ipairs(FIELDS) do
        meta[name] = list[i]
    end

    return meta
end


-- what a user may see, less the entries: nil for nothing
local function look(keys, user, meta)
    local record = call('HGET', keys[MEMBERS], user)

    if not record then
        return nil
    end

    local state, role, from, to =
        string.match(record, '^([ocp]) ([lt]) ?(%d*) ?(%d*)$')
    if not state then
        return nil
    end

    meta = meta or meta_of(keys)

    local w = { state = state, role = role, from = tonumber(from) or 0,
                ver = tonumber(meta.ver), rev = tonumber(meta.rev),
                h0 = meta.h0, user = user, read = 0, unread = 0 }

    if state == 'p' then
        look_pending(keys, w, meta)

    else
        if state == 'o' then
            look_open(keys, w, meta)

        elseif not look_closed(keys, w, meta, to) then
            return nil
        end

        w.unread = tonumber(call('HGET', keys[UNREAD], user) or 0)
        w.read = tonumber(call('HGET', keys[READ], user) or 0)
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


-- lines of parties with their present read marks, each made by form()
local function parties_marked(keys, lines, form)
    local users, froms, fragments, out = {}, {}, {}, {}

    for user, from, fragment in string.gmatch(lines,
                                              '(%S+) (%d+) ([^\n]+)\n')
    do
        users[#users + 1] = user
        froms[#froms + 1] = tonumber(from)
        fragments[#fragments + 1] = fragment
    end

    if #users == 0 then
        return out
    end

    local marks = call('HMGET', keys[READ], unpack(users))

    for i, user in ipairs(users) do
        local mark = tonumber(marks[i] or 0)
        -- 0 is the party of a pending lease, who can have read nothing
        if froms[i] == 0 or mark < froms[i] then
            mark = 0
        end
        out[i] = form(user, int(mark), fragments[i])
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


-- the thread as the inbox has it
local function thread_json(property, w)
    return '{"property":"' .. property .. '","label":' .. w.label
           .. ',"role":"' .. ROLES[w.role] .. '","lease":' .. w.lease
           .. ',"unread":' .. int(w.unread) .. ',"last":' .. w.last .. '}'
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

    local id = int(seq) .. '-0'
    local list = call('XRANGE', keys[THREAD], id, id)
    return list[1] ~= nil and tag_of(list[1][2][HASH]) == tag
end


-- entries from first to last, oldest first: list of tag and entry, the number
-- of the first, whether some were left off
local function entries(keys, first, last, limit, bytes, backward)
    local out, size = {}, 0

    if first > last or limit < 1 then
        return out, 0, first <= last
    end

    local a, b = int(first) .. '-0', int(last) .. '-0'
    local list

    if backward then
        list = call('XREVRANGE', keys[THREAD], b, a, 'COUNT', limit)
    else
        list = call('XRANGE', keys[THREAD], a, b, 'COUNT', limit)
    end

    local n = 0
    for _, item in ipairs(list) do
        if size > bytes then
            break
        end
        n = n + 1
        size = size + #item[2][ENTRY]
    end

    for i = 1, n do
        local item = list[backward and n + 1 - i or i]
        out[#out + 1] = tag_of(item[2][HASH])
        out[#out + 1] = item[2][ENTRY]
    end

    if n == 0 then
        return out, 0, false
    end

    local seq = tonumber(string.match(list[backward and n or 1][1], '^%d+'))
    return out, seq, n < last - first + 1
end


local function ll1_view(keys, argv)
    local user, mode, tag = argv[1], argv[2], argv[4]
    local seq, limit, bytes =
        tonumber(argv[3]) or 0, tonumber(argv[5]) or 0, tonumber(argv[6]) or 0
    local w = look(keys, user)

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
             first, list }
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


local function state_of(keys)
    local m = call('HMGET', keys[META], 'seq', 'hash', 'at', 'rev', 'ver',
                   'state')
    return { 2, m[1], m[2], m[3], m[4], m[5], m[6] }
end


local function ll1_state(keys, argv)
    local state = state_of(keys)
    state[8] = argv[1] ~= '' and call('HGET', keys[LEASES], argv[1])
    return state
end


-- 1 more unread for each of users but the last one, who is the sender
local function bump(keys, users)
    local unread = call('HMGET', keys[UNREAD], unpack(users))
    local pairs_ = {}

    for i = 1, #users do
        unread[i] = tonumber(unread[i] or 0)
        if i < #users then
            unread[i] = unread[i] + 1
            pairs_[#pairs_ + 1] = users[i]
            pairs_[#pairs_ + 1] = int(unread[i])
        end
    end

    if #pairs_ > 0 then
        call('HSET', keys[UNREAD], unpack(pairs_))
    end

    return unread
end


local function publish_entry(channel, ver, rev, seq, hash, entry)
    call('PUBLISH', channel, 'E ' .. int(ver) .. ' ' .. int(rev) .. ' '
         .. int(seq) .. ' ' .. tag_of(hash) .. '\n' .. entry)
end


local function ll1_append(keys, argv)
    local id, at, entry, salt, hash = argv[1], argv[5], argv[6], argv[7],
                                      argv[8]
    local last, sender, channel = argv[9], argv[10], argv[11]
    local sent = call('HGET', keys[9], id) or call('HGET', keys[10], id)

    if sent then
        local place = sent .. '-0'
        local list = call('XRANGE', keys[THREAD], place, place)
        return { 1, tonumber(sent), list[1] and list[1][2][ENTRY] or '' }
    end

    local m = call('HMGET', keys[META], 'seq', 'hash', 'rev', 'ver')

    if m[1] ~= argv[2] or m[2] ~= argv[3] or m[3] ~= argv[4] then
        return state_of(keys)
    end

    local seq = tonumber(m[1]) + 1
    local ver = tonumber(m[4]) + 1

    call('XADD', keys[THREAD], int(seq) .. '-0', 'e', entry, 's', salt,
         'h', hash, 'u', sender)
    call('HSET', keys[META], 'seq', int(seq), 'hash', hash, 'at', at,
         'last', last, 'ver', int(ver))
    call('HSET', keys[9], id, int(seq))
    if call('HLEN', keys[9]) == 1 then
        call('PEXPIREAT', keys[9], argv[12])
    end

    local users = { unpack(argv, 13) }
    users[#users + 1] = sender
    local unread = bump(keys, users)

    publish_entry(channel, ver, tonumber(m[3]), seq, hash, entry)

    return { 0, ver, unpack(unread) }
end


-- The operations of ll1_lease: how many arguments, and what they do.  ctx has
-- seq, ver and rev as they are by then.

local OPERATIONS = {}


-- set FIELD VALUE: a field of meta
OPERATIONS.set = { 2, function(keys, ctx, field, value)
    call('HSET', keys[META], field, value)
end }


-- del FIELD: a field of meta
OPERATIONS.del = { 1, function(keys, ctx, field)
    call('HDEL', keys[META], field)
end }


-- entry ENTRY SALT HASH: the next lease entry
OPERATIONS.entry = { 3, function(keys, ctx, entry, salt, hash)
    ctx.seq = ctx.seq + 1
    ctx.ver = ctx.ver + 1
    call('XADD', keys[THREAD], int(ctx.seq) .. '-0', 'e', entry, 's', salt,
         'h', hash, 'u', '')
    publish_entry(ctx.channel, ctx.ver, ctx.rev, ctx.seq, hash, entry)
end }


-- member USER RECORD: a window opens or closes
OPERATIONS.member = { 2, function(keys, ctx, user, record)
    call('HSET', keys[MEMBERS], user, record)
end }


-- pend USER ROLE: a party of the pending lease; who has a window keeps it
OPERATIONS.pend = { 2, function(keys, ctx, user, role)
    local record = call('HGET', keys[MEMBERS], user)
    if not record or not string.match(record, '^[oc]') then
        call('HSET', keys[MEMBERS], user, 'p ' .. role)
    end
end }


-- unpend USER: no longer one
OPERATIONS.unpend = { 1, function(keys, ctx, user)
    local record = call('HGET', keys[MEMBERS], user)
    if record and string.match(record, '^p') then
        call('HSET', keys[MEMBERS], user, 'x')
    end
end }


-- unread USER N: as a new window starts
OPERATIONS.unread = { 2, function(keys, ctx, user, n)
    call('HSET', keys[UNREAD], user, n)
end }


-- recount USER MARK SEQ N: the same, for one that starts in the past; N were
-- counted from MARK to SEQ, and the rest is counted here
OPERATIONS.recount = { 4, function(keys, ctx, user, mark, seq, n)
    local now = call('HGET', keys[READ], user) or '0'

    if now ~= mark then
        seq, n = now, 0
    end

    n = n + count(keys, user, tonumber(seq) + 1, ctx.seq)
    call('HSET', keys[UNREAD], user, int(n))
end }


-- snap SEQ HEAD PARTIES: what the windows show that entry SEQ closed
OPERATIONS.snap = { 3, function(keys, ctx, seq, head, lines)
    call('HSET', keys[SNAPS], seq,
         head .. table.concat(parties_marked(keys, lines, party_line)))
end }


-- ended LEASE RECORD: a lease that is over
OPERATIONS.ended = { 2, function(keys, ctx, lease, record)
    call('HSET', keys[LEASES], lease, record)
end }


local function ll1_lease(keys, argv)
    local m = call('HMGET', keys[META], 'seq', 'hash', 'rev', 'ver')

    if (m[1] or '0') ~= argv[1] or (m[2] or argv[2]) ~= argv[2]
       or (m[3] or '0') ~= argv[3]
    then
        return state_of(keys)
    end

    local ctx = { seq = tonumber(m[1] or 0), ver = tonumber(m[4] or 0) + 1,
                  rev = tonumber(m[3] or 0) + 1, channel = argv[4] }

    call('PUBLISH', ctx.channel,
         'L ' .. int(ctx.ver) .. ' ' .. int(ctx.rev) .. '\n')

    local i = 5
    while i <= #argv do
        local operation = OPERATIONS[argv[i]]
        operation[2](keys, ctx, unpack(argv, i + 1, i + operation[1]))
        i = i + 1 + operation[1]
    end

    call('HSET', keys[META], 'ver', int(ctx.ver), 'rev', int(ctx.rev),
         'seq', int(ctx.seq))

    return { 0, ctx.ver }
end


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


local function now_ms()
    local time = call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
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

    return 1
end


local function ll1_health(keys, argv)
    local now = now_ms()
    local heard = beats(keys, now - 3000)
    return { now, #heard / 2, heard }
end


local function register(name, callback, flags)
    redis.register_function{
        function_name = name, callback = callback, flags = flags or {}
    }
end


local READ_ONLY = { 'no-writes' }

register('ll1_view', ll1_view, READ_ONLY)
register('ll1_since', ll1_since, READ_ONLY)
register('ll1_inbox', ll1_inbox, READ_ONLY)
register('ll1_inbox_since', ll1_inbox_since, READ_ONLY)
register('ll1_health', ll1_health, READ_ONLY)
register('ll1_state', ll1_state, READ_ONLY)
register('ll1_threads', ll1_threads, READ_ONLY)
register('ll1_count', ll1_count, READ_ONLY)
register('ll1_append', ll1_append)
register('ll1_lease', ll1_lease)
register('ll1_mark', ll1_mark)
register('ll1_recount', ll1_recount)
register('ll1_badge', ll1_badge)
register('ll1_total', ll1_total)
register('ll1_due', ll1_due)
register('ll1_beat', ll1_beat)
