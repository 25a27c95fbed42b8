-- What is committed to a property: messages, and changes of its leases.

-- sent ids are held in buckets of 30 days, each for 60 days from its beginning
local BUCKET_MS = 30 * 24 * 3600 * 1000


-- The key of a bucket of sent ids.  The caller names the one that it takes for
-- the present one, and the one before.  They are others where its clock is
-- not Redis's: the same name with another number, so of the same hash tag.
local function sent_key(keys, named, bucket)
    if bucket == named then
        return keys[SENT]
    end

    if bucket == named - 1 then
        return keys[SENT_BEFORE]
    end

    return (string.gsub(keys[SENT], '%d+$', int(bucket)))
end


-- The bucket to write to, and the one that was written before it: by Redis's
-- clock, which is one for all workers.  It never goes back to an older bucket,
-- as the clock does when a replica takes over whose own is behind.
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


-- all of it text
local function publish_entry(channel, ver, rev, seq, hash, entry)
    call('PUBLISH', channel, 'E ' .. ver .. ' ' .. rev .. ' ' .. seq .. ' '
         .. tag_of(hash) .. '\n' .. entry)
end


-- what was sent by this id, even where the thread has lost it since
local function sent_already(keys, seq)
    local place = seq .. '-0'
    local item = call('XRANGE', keys[THREAD], place, place)[1]

    return { 1, tonumber(seq),
             item and item[2][ENTRY] or lost_entry(keys, tonumber(seq)) }
end


-- Calls are what a message costs: each is a microsecond, three where its key
-- is touched first, and two more for a write.  So all there is to know of a
-- property is one hash, read once and written once, and a sent id is looked
-- up and noted at the same time.
local function ll1_append(keys, argv)
    local id, named, seq, entry, hash, sender = argv[1], tonumber(argv[4]),
                                                argv[5], argv[7], argv[9],
                                                argv[11]
    local fields = { 'hash', 'rev', 'ver', 'bucket', 'bucket0' }

    for i = 11, #argv - 1 do
        fields[i - 5] = UNREAD .. argv[i]
    end

    local m = call('HMGET', keys[META], unpack(fields))
    local bucket, before = buckets(m[4], m[5])
    local key = sent_key(keys, named, bucket)

    if before >= bucket - 1 then
        local sent = call('HGET', sent_key(keys, named, before), id)
        if sent then
            return sent_already(keys, sent)
        end
    end

    if m[1] ~= argv[2] or m[2] ~= argv[3] then
        local sent = call('HGET', key, id)
        return sent and sent_already(keys, sent) or state_of(keys)
    end

    if call('HSETNX', key, id, seq) == 0 then
        return sent_already(keys, call('HGET', key, id))
    end

    local added = redis.pcall('XADD', keys[THREAD], seq .. '-0', 'e', entry,
                              's', argv[8], 'h', hash, 'u', sender)

    if type(added) == 'table' and added.err then
        call('HDEL', key, id)
        return added
    end

    local ver = m[3] + 1
    local set = { 'seq', seq, 'hash', hash, 'at', argv[6], 'last', argv[10],
                  'ver', int(ver) }
    local reply = { 0, ver, tonumber(m[6] or 0) }

    for i = 7, #fields do
        local unread = (m[i] or 0) + 1
        set[2 * i - 3], set[2 * i - 2] = fields[i], int(unread)
        reply[i - 3] = unread
    end

    if tonumber(m[4]) ~= bucket then
        local n = #set
        set[n + 1], set[n + 2], set[n + 3], set[n + 4] =
            'bucket', int(bucket), 'bucket0', int(before)
        call('PEXPIREAT', key, int((bucket + 2) * BUCKET_MS))
    end

    call('HSET', keys[META], unpack(set))
    publish_entry(argv[#argv], set[10], m[2], seq, hash, entry)

    return reply
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

    local seq = int(ctx.seq)

    call('XADD', keys[THREAD], seq .. '-0', 'e', entry, 's', salt, 'h', hash,
         'u', '')
    publish_entry(ctx.channel, int(ctx.ver), int(ctx.rev), seq, hash, entry)
end }


-- member USER RECORD: a window opens or closes
OPERATIONS.member = { 2, function(keys, ctx, user, record)
    call('HSET', keys[META], MEMBER .. user, record)
end }


-- pend USER ROLE: a party of the pending lease; who has a window keeps it
OPERATIONS.pend = { 2, function(keys, ctx, user, role)
    local record = call('HGET', keys[META], MEMBER .. user)
    if not record or not string.match(record, '^[oc]') then
        call('HSET', keys[META], MEMBER .. user, 'p ' .. role)
    end
end }


-- unpend USER: no longer one
OPERATIONS.unpend = { 1, function(keys, ctx, user)
    local record = call('HGET', keys[META], MEMBER .. user)
    if record and string.match(record, '^p') then
        call('HSET', keys[META], MEMBER .. user, 'x')
    end
end }


-- unread USER N: as a new window starts
OPERATIONS.unread = { 2, function(keys, ctx, user, n)
    call('HSET', keys[META], UNREAD .. user, n)
end }


-- recount USER MARK SEQ N: the same, for one that starts in the past; N were
-- counted from MARK, the read mark still, to SEQ, and the rest is counted here
OPERATIONS.recount = { 4, function(keys, ctx, user, mark, seq, n)
    n = n + count(keys, user, tonumber(seq) + 1, ctx.seq)
    call('HSET', keys[META], UNREAD .. user, int(n))
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


-- whether the read marks are still there that the worker counted from
local function recounts_hold(keys, argv)
    local i = 5

    while i <= #argv do
        if argv[i] == 'recount' then
            local mark = call('HGET', keys[META], READ .. argv[i + 1]) or '0'
            if mark ~= argv[i + 2] then
                return false
            end
        end

        i = i + 1 + OPERATIONS[argv[i]][1]
    end

    return true
end


local function ll1_lease(keys, argv)
    local m = call('HMGET', keys[META], 'seq', 'hash', 'rev', 'ver')

    if (m[1] or '0') ~= argv[1] or (m[2] or argv[2]) ~= argv[2]
       or (m[3] or '0') ~= argv[3] or not recounts_hold(keys, argv)
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
