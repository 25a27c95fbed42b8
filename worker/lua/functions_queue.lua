-- The queues of requests, and those that workers gave up.


-- Puts a request that was given up back into its queue: 1, or 0 if it is not
-- there any more, or -1 if it holds no request.  Its field "id" stays: by it
-- workers know how old it is.
local function ll1_retry(keys, argv)
    local letter = call('XRANGE', keys[2], argv[1], argv[1])[1]
    local request, fields = {}, letter and letter[2] or {}

    for i = 1, #fields, 2 do
        if fields[i] ~= 'why' then
            request[#request + 1] = fields[i]
            request[#request + 1] = fields[i + 1]
        end
    end

    if not letter then
        return 0
    end

    if #request == 0 or (#request == 2 and request[1] == 'id') then
        return -1
    end

    call('XADD', keys[1], '*', unpack(request))
    call('XDEL', keys[2], argv[1])

    return 1
end


register('ll1_retry', ll1_retry)
