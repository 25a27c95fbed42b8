-- Deleting a property, and the names of a person.
--
-- The members of a property that is deleted stay in a set until their inboxes
-- are done, so a command that dies between the two can be repeated.

local PURGED = 7


local function ll1_purge(keys, argv)
    local m = call('HMGET', keys[META], 'ver', 'rev')

    if m[1] then
        for _, user in ipairs(members(keys)) do
            call('SADD', keys[PURGED], user)
        end

        -- whoever watches it finds out that nothing is left to see
        publish(argv[1],
                'L ' .. int(m[1] + 1) .. ' ' .. int(m[2] + 1) .. '\n')
    end

    for i, key in ipairs(keys) do
        if i ~= PURGED then
            call('UNLINK', key)
        end
    end

    return call('SMEMBERS', keys[PURGED])
end


-- JSON with the id in place of the name of each party that is the user: the
-- members of a party begin with "user", and a quote in a name is escaped
local function without_name(text, user)
    local out, pos = {}, 1
    local party = '{"user":"' .. user .. '",'

    while true do
        local at = string.find(text, party, pos, true)
        local _, name = string.find(text, '"name":"', at or #text + 1, true)

        if not name then
            out[#out + 1] = string.sub(text, pos)
            return table.concat(out)
        end

        out[#out + 1] = string.sub(text, pos, name) .. user
        pos = string.find(text, '["\\]', name + 1)

        while string.sub(text, pos, pos) == '\\' do
            pos = string.find(text, '["\\]', pos + 2)
        end
    end
end


local function unname_all(key, user)
    local all, changed = call('HGETALL', key), false

    for i = 1, #all, 2 do
        local text = without_name(all[i + 1], user)

        if text ~= all[i + 1] then
            call('HSET', key, all[i], text)
            changed = true
        end
    end

    return changed
end


local function ll1_unname(keys, argv)
    local user = argv[1]
    local m = call('HMGET', keys[META], 'ver', 'rev', MEMBER .. user)

    if not m[3] then
        return 0
    end

    if not string.match(m[3], '^[cx]') then
        return 2
    end

    local snaps = unname_all(keys[SNAPS], user)
    local leases = unname_all(keys[LEASES], user)

    if not (snaps or leases) and m[3] == 'x' then
        return 0
    end

    local ver, rev = int(m[1] + 1), int(m[2] + 1)

    call('HSET', keys[META], MEMBER .. user, 'x', 'ver', ver, 'rev', rev)
    publish(argv[2], 'L ' .. ver .. ' ' .. rev .. '\n')

    return 1
end


register('ll1_purge', ll1_purge)
register('ll1_unname', ll1_unname)
