-- Writes to a property: messages, and changes of its leases.

-- sent ids are kept in buckets of 30 days; a bucket expires 60 days after it
-- began
local BUCKET_MS = 30 * 24 * 3600 * 1000


-- The key of a bucket of sent ids.  The caller passes the present one and the
-- one before by its own clock.  If the clock of Redis differs, the key is the
-- same with another number, and has the same hash tag.
local function sent_key(keys, named, bucket)
    if bucket == named then
        return keys[SENT]
    end

    if bucket == named - 1 then
        return keys[SENT_BEFORE]
    end

    return (string.gsub(keys[SENT], '%d+$', int(bucket)))
end


-- The bucket to write to, and the one written before it, by the clock of Redis,
-- as workers' clocks differ.  It never returns to an older bucket, although the
-- clock can go back when a replica is promoted.
local function buckets(last, before)
    last, before = tonumber(last) or 0, tonumber(before) or 0

    local now = math.floor(now_ms() / BUCKET_MS)

    if now > last then
        return now, last
    end

    return last, before
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


-- all arguments are strings
local function publish_entry(channel, ver, rev, seq, hash, entry)
    publish(channel, 'E ' .. ver .. ' ' .. rev .. ' ' .. seq .. ' '
            .. tag_of(hash) .. '\n' .. entry)
end


-- the reply for an id that was sent before, even if the entry was lost since
local function duplicate(keys, seq)
    local all = { [THREAD] = keys[THREAD], [META] = keys[META],
                  [SEGMENTS] = keys[SENT_SEGMENTS] }
    local sealed, size = sealed_of(call('HGET', keys[META], 'sealed'))

    seq = tonumber(seq)

    if seq <= sealed then
        return { 1, seq, segment_get(all, math.floor((seq - 1) / size)), size }
    end

    return { 1, seq, stream_range(all, seq, seq, false)[1][2][ENTRY] }
end


-- The cost of a message is its calls: 1 us each, 3 us for the first of a key,
-- and 2 us more for a write.  Therefore all about a property is in one hash,
-- read once and written once, and HSETNX both looks up and sets a sent id.
local function ll1_append(keys, argv)
    local id, named, seq, entry, hash, sender = argv[1], tonumber(argv[4]),
                                                argv[5], argv[7], argv[9],
                                                argv[11]
    local fields = { 'hash', 'rev', 'ver', 'bucket', 'bucket0', 'n' }

    for i = 11, #argv - 1 do
        fields[i - 4] = COUNTED .. argv[i]
    end

    local m = call('HMGET', keys[META], unpack(fields))
    local bucket, before = buckets(m[4], m[5])
    local key = sent_key(keys, named, bucket)

    if before >= bucket - 1 then
        local sent = call('HGET', sent_key(keys, named, before), id)
        if sent then
            return duplicate(keys, sent)
        end
    end

    if m[1] ~= argv[2] or m[2] ~= argv[3] then
        local sent = call('HGET', key, id)
        return sent and duplicate(keys, sent) or state_of(keys)
    end

    if call('HSETNX', key, id, seq) == 0 then
        return duplicate(keys, call('HGET', key, id))
    end

    local added = redis.pcall('XADD', keys[THREAD], seq .. '-0', 'e', entry,
                              's', argv[8], 'h', hash, 'u', sender)

    if type(added) == 'table' and added.err then
        call('HDEL', key, id)
        return added
    end

    local ver, n, counted = m[3] + 1, (m[6] or 0) + 1, (m[7] or 0) + 1
    local set = { 'seq', seq, 'hash', hash, 'at', argv[6], 'last', argv[10],
                  'ver', int(ver), 'n', int(n), fields[7], int(counted) }
    local reply = { 0, ver }

    -- counters that are damaged must not make a negative number
    for i = 7, #fields do
        local unread = n - (i > 7 and m[i] or i == 7 and counted or 0)
        reply[i - 4] = unread > 0 and unread or 0
    end

    if tonumber(m[4]) ~= bucket then
        local i = #set
        set[i + 1], set[i + 2], set[i + 3], set[i + 4] =
            'bucket', int(bucket), 'bucket0', int(before)
        call('PEXPIREAT', key, int((bucket + 2) * BUCKET_MS))
    end

    call('HSET', keys[META], unpack(set))
    publish_entry(argv[#argv], set[10], m[2], seq, hash, entry)

    return reply
end


-- The operations of ll1_lease: number of arguments, function.  ctx has seq, ver
-- and rev as changed by the operations before.

local OPERATIONS = {}


-- set FIELD VALUE: sets a field of meta
OPERATIONS.set = { 2, function(keys, ctx, field, value)
    call('HSET', keys[META], field, value)
end }


-- del FIELD: deletes a field of meta
OPERATIONS.del = { 1, function(keys, ctx, field)
    call('HDEL', keys[META], field)
end }


-- entry ENTRY SALT HASH: appends a lease entry
OPERATIONS.entry = { 3, function(keys, ctx, entry, salt, hash)
    ctx.seq = ctx.seq + 1
    ctx.ver = ctx.ver + 1

    local seq = int(ctx.seq)

    call('XADD', keys[THREAD], seq .. '-0', 'e', entry, 's', salt, 'h', hash,
         'u', '')
    publish_entry(ctx.channel, int(ctx.ver), int(ctx.rev), seq, hash, entry)
end }


-- open USER ROLE FROM: opens a window.  One that begins where that of the user
-- did continues it; of a new one, all messages before it count as read.
OPERATIONS.open = { 3, function(keys, ctx, user, role, from)
    local m = call('HMGET', keys[META], MEMBER .. user, READ .. user,
                   COUNTED .. user, 'n')
    local _, _, old_from, _, _, skip = member_of(m[1])
    local mark, counted = tonumber(m[2] or 0), tonumber(m[3] or 0)

    if not old_from or mark >= old_from then
        skip = 0
    end

    if from == '1' then
        counted, skip = counted - skip, 0

    elseif tonumber(from) ~= old_from then
        local n = tonumber(m[4] or 0)
        counted, skip = n, skip + n - counted
    end

    call('HSET', keys[META], MEMBER .. user,
         'o ' .. role .. ' ' .. from .. ' ' .. int(skip),
         COUNTED .. user, int(counted))
end }


-- close USER ROLE FROM TO: closes a window
OPERATIONS.close = { 4, function(keys, ctx, user, role, from, to)
    local m = call('HMGET', keys[META], MEMBER .. user, 'n')
    local _, _, _, _, _, skip = member_of(m[1])

    call('HSET', keys[META], MEMBER .. user, 'c ' .. role .. ' ' .. from .. ' '
         .. to .. ' ' .. int(skip or 0) .. ' ' .. (m[2] or '0'))
end }


-- pend USER ROLE: adds a party of the pending lease; a window stays
OPERATIONS.pend = { 2, function(keys, ctx, user, role)
    local record = call('HGET', keys[META], MEMBER .. user)
    if not record or not string.match(record, '^[oc]') then
        call('HSET', keys[META], MEMBER .. user, 'p ' .. role)
    end
end }


-- unpend USER: removes a party of the pending lease
OPERATIONS.unpend = { 1, function(keys, ctx, user)
    local record = call('HGET', keys[META], MEMBER .. user)
    if record and string.match(record, '^p') then
        call('HSET', keys[META], MEMBER .. user, 'x')
    end
end }


-- snap SEQ HEAD PARTIES: sets what windows show that entry SEQ closes
OPERATIONS.snap = { 3, function(keys, ctx, seq, head, lines)
    call('HSET', keys[SNAPS], seq,
         head .. table.concat(parties_marked(keys, lines, party_line)))
end }


-- ended LEASE RECORD: stores a lease that has ended
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

    publish(ctx.channel,
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
