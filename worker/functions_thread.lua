-- What is committed to a property: messages, and changes of its leases.


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


register('ll1_state', ll1_state, READ_ONLY)
register('ll1_append', ll1_append)
register('ll1_lease', ll1_lease)
