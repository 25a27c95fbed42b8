-- Deleting a property.  Its members stay in a set until their inboxes are done,
-- so a command that dies between the two can be repeated.

local PURGED = 7


local function ll1_purge(keys, argv)
    local m = call('HMGET', keys[META], 'ver', 'rev')

    if m[1] then
        for _, user in ipairs(members(keys)) do
            call('SADD', keys[PURGED], user)
        end

        -- whoever watches it finds out that nothing is left to see
        call('PUBLISH', argv[1], 'L ' .. int(m[1] + 1) .. ' ' .. int(m[2] + 1)
             .. '\n')
    end

    for i, key in ipairs(keys) do
        if i ~= PURGED then
            call('UNLINK', key)
        end
    end

    return call('SMEMBERS', keys[PURGED])
end


register('ll1_purge', ll1_purge)
