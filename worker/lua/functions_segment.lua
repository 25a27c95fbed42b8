-- Sealed segments: old entries, compressed by a worker.  Nothing is compressed
-- or hashed here; of a segment only its head and its senders are read.
-- common/segment.c has the layout.
--
-- The field of a segment is its number, from 0.  An entry that was erased from
-- the stream has a field "eSEQ" until it is sealed: DIGEST HASH and, as a
-- length of one byte and its bytes, SENDER, then the entry as it is shown.  The
-- fields "x0", "x1" ... have a line "SEQ TIME" for each erasure, in their order.

-- offsets in a segment, from 1
local SEGMENT_COUNT, SEGMENT_ROWS, SEGMENT_TEXT, SEGMENT_AFTER, SEGMENT_AT,
      SEGMENT_SENDERS = 5, 6, 11, 55, 87, 119


local ERASURES = 'x'

-- lines in a field
local ERASURES_SIZE = 100


-- the last sealed entry, and the number of entries in each segment
local function sealed_of(text)
    local seq, size = string.match(text or '', '^(%d+) (%d+)$')

    return tonumber(seq) or 0, tonumber(size) or 1
end


local function segment_get(keys, k)
    return call('HGET', keys[SEGMENTS], int(k)) or ''
end


-- false if the segment is missing or malformed
local function segment_is_whole(blob)
    return #blob > SEGMENT_SENDERS and string.sub(blob, 1, 3) == 'LS\1'
           and #blob >= SEGMENT_SENDERS + string.byte(blob, SEGMENT_COUNT)
end


-- the length of a segment's text
local function segment_text(blob)
    if not segment_is_whole(blob) then
        return 0
    end

    local a, b, c, d = string.byte(blob, SEGMENT_TEXT, SEGMENT_TEXT + 3)

    return ((a * 256 + b) * 256 + c) * 256 + d
end


-- the users of a segment's table, by row
local function segment_users(blob)
    local users = {}
    local pos = SEGMENT_SENDERS + string.byte(blob, SEGMENT_COUNT)

    for row = 1, string.byte(blob, SEGMENT_ROWS) do
        local len = string.byte(blob, pos)
        local a, b = string.byte(blob, pos + 1 + (len or 0),
                                 pos + 2 + (len or 0))
        if not b then
            break
        end

        users[row] = string.sub(blob, pos + 1, pos + len)
        pos = pos + 3 + len + a * 256 + b
    end

    return users
end


-- adds the messages from first to last, which are sealed, to those of each
-- sender; returns their number
local function count_sealed(keys, senders, first, last, size)
    local messages = 0

    for k = math.floor((first - 1) / size), math.floor((last - 1) / size) do
        local blob = segment_get(keys, k)

        if segment_is_whole(blob) then
            local users = segment_users(blob)
            local start = k * size + 1

            for i = math.max(first - start, 0),
                    math.min(last - start, size - 1)
            do
                local sender = users[string.byte(blob, SEGMENT_SENDERS + i)]
                if sender then
                    senders[sender] = (senders[sender] or 0) + 1
                    messages = messages + 1
                end
            end
        end
    end

    return messages
end


-- the segments of the entries a to b, which are sealed, oldest first, with the
-- numbers of the first and last entry in them.  They end, or begin if backward,
-- with the one that exceeds bytes.
local function segments(keys, size, a, b, bytes, backward)
    local out, total = {}, 0
    local first, last = math.floor((a - 1) / size), math.floor((b - 1) / size)
    local from, to, step = first, last, 1

    if backward then
        from, to, step = last, first, -1
    end

    for k = from, to, step do
        local blob = segment_get(keys, k)
        table.insert(out, backward and 1 or #out + 1, blob)

        -- only a part of the outermost ones is wanted
        total = total + (k ~= from and segment_text(blob) or 0)

        if total > bytes then
            if backward then
                a = math.max(a, k * size + 1)
            else
                b = math.min(b, (k + 1) * size)
            end
            break
        end
    end

    return out, a, b
end


-- the time of the newest entry before seq, or else after it
local function time_near(keys, seq)
    local item = call('XREVRANGE', keys[THREAD], int(seq - 1) .. '-0', '-',
                      'COUNT', 1)[1]
    local at = item and string.match(item[2][ENTRY], '"at":"([^"]*)"')
    local sealed, size = sealed_of(call('HGET', keys[META], 'sealed'))

    if not at and sealed > 0 and keys[SEGMENTS] then
        local blob = segment_get(keys, math.floor((sealed - 1) / size))
        at = string.match(string.sub(blob, SEGMENT_AT, SEGMENT_AT + 23),
                          '^%d+%-%d+%-%d+T[%d:.]+Z$')
    end

    if not at then
        item = call('XRANGE', keys[THREAD], int(seq + 1) .. '-0', '+',
                    'COUNT', 1)[1]
        at = item and string.match(item[2][ENTRY], '"at":"([^"]*)"')
    end

    return at or '1970-01-01T00:00:00.000Z'
end


-- an entry that is missing in the thread although its number was used
local function lost_entry(keys, seq)
    return '{"seq":' .. int(seq) .. ',"kind":"lost","at":"'
           .. time_near(keys, seq) .. '"}'
end


-- the fields of an entry that was erased from the stream, or nil
local function erased_entry(keys, seq)
    local text = keys[SEGMENTS]
                 and call('HGET', keys[SEGMENTS], 'e' .. int(seq))

    if not text then
        return nil
    end

    local len = string.byte(text, 65)

    return { 'e', string.sub(text, 66 + len), 's', '',
             'h', string.sub(text, 33, 64), 'u', string.sub(text, 66, 65 + len),
             'd', string.sub(text, 1, 32) }
end


-- part k, from 0, of the lines of erasures
local function erasures_part(keys, k)
    return call('HGET', keys[SEGMENTS], ERASURES .. int(k)) or ''
end


-- adds erasure n, from 1
local function erasures_add(keys, n, seq, at)
    local k = math.floor((n - 1) / ERASURES_SIZE)

    call('HSET', keys[SEGMENTS], ERASURES .. int(k),
         erasures_part(keys, k) .. seq .. ' ' .. at .. '\n')
end


-- how many of the n erasures are of entries from first to last
local function erasures_within(keys, n, first, last)
    local within = 0

    for k = 0, math.ceil(n / ERASURES_SIZE) - 1 do
        for seq in string.gmatch(erasures_part(keys, k), '(%d+) [^\n]+\n') do
            seq = tonumber(seq)
            within = within + (seq >= first and seq <= last and 1 or 0)
        end
    end

    return within
end


-- The erasures of entries from first to last that follow the oldest ones,
-- "known" in number, up to the end of a part: how many of the n are known then,
-- and a list of seq, time ...
local function erasures_since(keys, n, known, first, last)
    local k, out = math.floor(known / ERASURES_SIZE), {}
    local i = k * ERASURES_SIZE

    if known >= n then
        return n, out
    end

    for seq, at in string.gmatch(erasures_part(keys, k),
                                 '(%d+) ([^\n]+)\n')
    do
        seq, i = tonumber(seq), i + 1

        if i > known and seq >= first and seq <= last then
            out[#out + 1], out[#out + 2] = int(seq), at
        end
    end

    return math.min(n, (k + 1) * ERASURES_SIZE), out
end


-- the list of XRANGE from a to b, with the erased and the lost entries that are
-- missing in it
local function with_lost(keys, list, a, b, backward)
    local found, out = {}, {}

    for _, item in ipairs(list) do
        found[item[1]] = item
    end

    for i = 1, b - a + 1 do
        local seq = backward and b - i + 1 or a + i - 1
        local id = int(seq) .. '-0'

        out[i] = found[id]
                 or { id, erased_entry(keys, seq)
                          or { 'e', lost_entry(keys, seq), 's', '', 'h', '',
                               'u', '' } }
    end

    return out
end


-- the entries a to b of the stream
local function stream_range(keys, a, b, backward)
    local list

    if backward then
        list = call('XREVRANGE', keys[THREAD], int(b) .. '-0', int(a) .. '-0')
    else
        list = call('XRANGE', keys[THREAD], int(a) .. '-0', int(b) .. '-0')
    end

    return #list < b - a + 1 and with_lost(keys, list, a, b, backward) or list
end


-- the messages among the entries from first to last: the number of each sender,
-- and of all
local function count(keys, first, last)
    local senders, messages = {}, 0

    if first > last then
        return senders, messages
    end

    local sealed, size = sealed_of(call('HGET', keys[META], 'sealed'))

    if first <= sealed then
        messages = count_sealed(keys, senders, first, math.min(last, sealed),
                                size)
        first = sealed + 1
    end

    if first > last then
        return senders, messages
    end

    for _, item in ipairs(stream_range(keys, first, last, false)) do
        local sender = item[2][SENDER]
        if sender ~= '' then
            senders[sender] = (senders[sender] or 0) + 1
            messages = messages + 1
        end
    end

    return senders, messages
end


-- { kind, entry, salt or digest, hash, sender, ... } of the entries a to b of
-- the stream, for a worker
local function stream_rows(keys, a, b)
    local out = {}

    for _, item in ipairs(stream_range(keys, a, b, false)) do
        local fields = item[2]
        local digest = fields[9] == 'd' and fields[10]

        out[#out + 1] = digest and 'e' or fields[HASH] == '' and 'l' or ''
        out[#out + 1] = fields[ENTRY]
        out[#out + 1] = digest or fields[4]
        out[#out + 1] = fields[HASH]
        out[#out + 1] = fields[SENDER]
    end

    return out
end


local function ll1_entries(keys, argv)
    local first, last, limit, backward =
        tonumber(argv[1]), tonumber(argv[2]), tonumber(argv[3]), argv[4] == '1'
    local m = call('HMGET', keys[META], 'sealed', 'seq')
    local sealed, size = sealed_of(m[1])

    last = math.min(last, tonumber(m[2] or 0))

    if first > last then
        return { 0, 0, 0, {} }
    end

    if (backward and last or first) <= sealed then
        local k = math.floor(((backward and last or first) - 1) / size)
        return { 1, k * size + 1, size, segment_get(keys, k) }
    end

    if backward then
        first = math.max(first, sealed + 1, last - limit + 1)
    else
        last = math.min(last, first + limit - 1)
    end

    return { 0, first, last - first + 1, stream_rows(keys, first, last) }
end


-- the hash of the entry before first, with which a segment begins; empty if it
-- is lost, or if there is none
local function hash_before(keys, first, size)
    if first == 1 then
        return ''
    end

    local blob = segment_get(keys, math.floor((first - 2) / size))
    local hash = string.sub(blob, SEGMENT_AFTER, SEGMENT_AFTER + 31)

    return string.match(hash, '[^%z]') and hash or ''
end


local function ll1_unsealed(keys, argv)
    local keep, size = tonumber(argv[1]), tonumber(argv[2])
    local m = call('HMGET', keys[META], 'sealed', 'seq', 'erasures')
    local sealed, fixed = sealed_of(m[1])

    size = m[1] and fixed or size

    if not m[2] or sealed + size + keep > tonumber(m[2]) then
        return false
    end

    return { m[1] or '', m[3] or '0', sealed + 1, size,
             hash_before(keys, sealed + 1, size),
             stream_rows(keys, sealed + 1, sealed + size) }
end


local function ll1_seal(keys, argv)
    local first, size = tonumber(argv[3]), tonumber(argv[4])
    local last = first + size - 1
    local m = call('HMGET', keys[META], 'sealed', 'erasures')
    local fields = stream_range(keys, last, last, false)[1][2]

    if (m[1] or '') ~= argv[1] or (m[2] or '0') ~= argv[2]
       or fields[HASH] ~= argv[5]
    then
        return 0
    end

    call('HSET', keys[SEGMENTS], int((first - 1) / size), argv[6])
    call('XTRIM', keys[THREAD], 'MINID', int(last + 1) .. '-0')
    call('HSET', keys[META], 'sealed', int(last) .. ' ' .. int(size))

    if argv[7] == '1' then
        for seq = first, last do
            call('HDEL', keys[SEGMENTS], 'e' .. int(seq))
        end
    end

    return 1
end


register('ll1_entries', ll1_entries, READ_ONLY)
register('ll1_unsealed', ll1_unsealed, READ_ONLY)
register('ll1_seal', ll1_seal)
