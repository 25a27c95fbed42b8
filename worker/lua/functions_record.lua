-- The records of threads (docs/record.md): what a reader may take with them.


-- The reader as a party, as JSON; empty for one who left, who is in the last
-- entry of their window only.
local function reader_json(w)
    for user, _, fragment in string.gmatch(w.lines, '(%S+) (%d+) ([^\n]+)\n') do
        if user == w.user then
            return fragment .. '}'
        end
    end

    return ''
end


-- the id of the newest read mark, or empty
local function newest_mark(keys)
    local item = call('XREVRANGE', keys[READS], '+', '-', 'COUNT', 1)[1]

    return item and item[1] or ''
end


-- the record of a whole thread, for an operator
local function record_whole(keys)
    local m = call('HMGET', keys[META], 'seq', 'view', 'pview', 'zone')

    if not m[1] then
        return false
    end

    local label = string.match(m[2] or m[3] or '', '^[^\n]+\n([^\n]+)\n')

    -- after the last lease, as closed windows show it
    if not m[2] and not m[3] then
        label = string.match(call('HGET', keys[SNAPS], m[1]) or '',
                             '^[^\n]+\n[^\n]+\n([^\n]+)\n') or '""'
    end

    return { 1, tonumber(m[1]), '', label or '', m[4] or '', 0, '',
             newest_mark(keys) }
end


local function ll1_record(keys, argv)
    if argv[1] == '' then
        return record_whole(keys)
    end

    local w = window_of(keys, argv[1])

    if not w then
        return false
    end

    return { math.max(w.from, 1), w.head, ROLES[w.role], w.label, w.zone,
             w.state == 'o' and 0 or 1, reader_json(w), newest_mark(keys) }
end


-- Whether a reader sees a mark: their own if it is in the window, another's if
-- it was set while the thread ended in the window.  HEAD is where it ended then
-- and is missing for a mark in a closed window, which nobody else sees.
local function mark_is_shown(mark, user, first, last, closed)
    local upto, head = tonumber(mark.n), tonumber(mark.h)

    if user == '' then
        return true
    end

    if mark.u == user then
        return upto >= first and upto <= last
    end

    return head and head >= first and (head < last or not closed)
end


local function ll1_marks(keys, argv)
    local user, after, newest, limit =
        argv[1], argv[5], argv[6], tonumber(argv[7])
    local list = call('XRANGE', keys[READS], after == '' and '-' or '(' .. after,
                      newest, 'COUNT', limit)
    local out = { #list == limit and list[limit][1] or '' }

    for _, item in ipairs(list) do
        local fields, mark = item[2], {}

        for i = 1, #fields, 2 do
            mark[fields[i]] = fields[i + 1]
        end

        if mark_is_shown(mark, user, tonumber(argv[2]), tonumber(argv[3]),
                         argv[4] == '1')
        then
            local i = #out
            out[i + 1], out[i + 2], out[i + 3] = mark.u, mark.n, mark.t
        end
    end

    return out
end


register('ll1_record', ll1_record, READ_ONLY)
register('ll1_marks', ll1_marks, READ_ONLY)
