-- Erasing an entry.
--
-- An entry of a stream cannot be changed, and the bytes of one that is deleted
-- stay in memory and in snapshots until all others of its node are deleted,
-- also those of an entry that was sealed.  So the stream is copied without the
-- entry, in steps of a bounded length, and the copy replaces it in the last
-- one.  The key of the copy has the number of the entry: two callers with the
-- same entry go on with each other's copy, and others have one of their own.

local COPY = 7

-- a copy that nobody goes on with is deleted after this time
local COPY_MS = 60000


-- copies limit entries of the stream, without seq: whether there are more
local function copy_entries(keys, seq, limit)
    local last = call('XREVRANGE', keys[COPY], '+', '-', 'COUNT', 1)[1]
    local list = call('XRANGE', keys[THREAD], last and '(' .. last[1] or '-',
                      '+', 'COUNT', limit + 1)
    local without = int(seq) .. '-0'

    for i = 1, math.min(#list, limit) do
        if list[i][1] ~= without then
            call('XADD', keys[COPY], list[i][1], unpack(list[i][2]))
        end
    end

    return #list > limit
end


-- the copy replaces the stream
local function copy_rename(keys)
    if call('XREVRANGE', keys[COPY], '+', '-', 'COUNT', 1)[1] then
        call('RENAME', keys[COPY], keys[THREAD])
        call('PERSIST', keys[THREAD])
    else
        call('DEL', keys[THREAD], keys[COPY])
    end
end


local function ll1_erase(keys, argv)
    local seq, at, segment = argv[1], argv[10], argv[9]
    local m = call('HMGET', keys[META], 'sealed', 'erasures', 'seq', 'ver',
                   'rev')

    -- the copy is of this state too: both only ever increase
    if not m[3] or (m[1] or '') ~= argv[2] or (m[2] or '0') ~= argv[3] then
        return { 2 }
    end

    if argv[5] == '1' then
        call('DEL', keys[COPY])
    end

    if copy_entries(keys, tonumber(seq), tonumber(argv[4])) then
        call('PEXPIRE', keys[COPY], COPY_MS)
        return { 1 }
    end

    copy_rename(keys)

    local sealed, size = sealed_of(m[1])
    local n, ver = (m[2] or 0) + 1, int(m[4] + 1)
    local field, value = 'e' .. seq, argv[8]

    if tonumber(seq) <= sealed then
        field, value = int(math.floor((tonumber(seq) - 1) / size)), segment
    end

    call('HSET', keys[SEGMENTS], field, value)
    erasures_add(keys, n, seq, at)
    call('HSET', keys[META], 'erasures', int(n), 'ver', ver)

    if m[3] == seq then
        call('HSET', keys[META], 'last', argv[7])
    end

    publish(argv[6], 'X ' .. ver .. ' ' .. m[5] .. ' ' .. int(n) .. '\n')

    return { 0 }
end


register('ll1_erase', ll1_erase)
