#!lua name=leaseloft_1
-- revision 15
--
-- A worker replaces a library that differs from its own, unless that one's
-- revision is higher; so it goes up with each release that changes anything
-- here, and old workers leave the new functions alone during an upgrade.

-- The functions that nginx and the workers call in Redis.
--
-- docs/data.md says what lies in each key, and describes the functions that
-- nginx calls.  Each function touches the keys of one hash tag, and is atomic.
-- Nothing is decided here about leases: the worker decides, and a function
-- commits what was decided if the property is still as the worker saw it, or
-- else answers how it really is.  Nothing is hashed or parsed here either.
--
-- The library is this file and those named functions_*.lua beside it.
--
-- For the workers, with KEYS those of a property unless said otherwise:
--
-- ll1_state (lease)
--     { 2, seq, hash, at, rev, ver, state }; nil for what is not there.  This
--     is also what the next two answer when the property has moved on.  The
--     8th is what is kept of that lease, if it has ended.
-- ll1_append (sent id, hash, rev, bucket, seq, at, entry, salt, hash, last,
--             sender, other users ..., channel)
--     KEYS: thread, meta, this bucket of sent ids, and the one before, as the
--     worker's clock has them; Redis's decides.
--     { 0, ver, unread of the sender, of each other user ... },
--     { 1, seq, entry } if this id was sent before, or as ll1_state.
--     The first hash and rev: what the caller built upon; seq: the entry's.
-- ll1_lease (seq, hash, rev, channel, operations ...)
--     { 0, ver }, or as ll1_state.  See "operations" below.
-- ll1_mark (property, user, upto, time, time as RFC 3339, channel, limit,
--           after, to, messages)
--     { 0, ver, unread, at, thread }, the last three for ll1_badge;
--     { 1, head } if upto lies past it; { 2 } if the user has no window;
--     { 3, after, to } if more than limit entries are to be counted: the caller
--     calls again with what ll1_count says of these, or empty until then.
-- ll1_threads (property, users ...)
--     { ver, user, unread, at, thread, ... }: what the inbox of each of the
--     users (of all, if none is named) has to show, less its brace; an empty
--     thread, at 0, is none.
-- ll1_recount (property, channel, user, limit, after, to, messages)
--     as ll1_threads for that user, having counted unread messages anew;
--     { -1, after, to } if more than limit entries are to be counted, as for
--     ll1_mark.
-- ll1_members ()
--     all users who have, or ever had, a window.
-- ll1_count (user, after, limit)
--     { read mark, seq, messages }: those not the user's own after the read
--     mark, or after `after` if it is not empty, up to seq, which lies at most
--     limit entries on.
-- ll1_badge (property, ver, unread, at, thread, channel, force)
--     KEYS: those of a user.  Puts a thread into the inbox as of ver, unless
--     what it holds is as new (newer, if force is 1): 1 if that changed it.
-- ll1_forget (property, head)
--     KEYS: those of a user.  Removes a thread of a property that is gone, or
--     has never had this user, unless its head is another one by now: 1 if it
--     did; ll1_total is to follow.
-- ll1_total (channel)
--     KEYS: those of a user.  Makes the account and the order anew: the total.
-- ll1_due (property, rev, time)
--     KEYS: due, vers.  The next due time (none, if empty) as of rev, unless
--     a newer rev has set it: 1 if it did.
-- ll1_defer (property, seen, time)
--     KEYS: due.  What is due at the time that was seen has failed, and is due
--     again at another one, unless it has been set anew: 1 if it is.
-- ll1_retry (id)
--     KEYS: a queue, and what was given up of it.  Puts a request back: 1, 0 if
--     there is none of that id, -1 if it holds no request.
-- ll1_beat (worker, record, queue, dead, meta, inbox, due, channels ...)
--     KEYS: workers, nginx.  A heartbeat; an empty record takes the worker off.
--     { Redis's time in ms, commands that the user may not run, most queues of
--     an nginx }; the time alone without the second key.
--     The keys and channels are examples of those that the worker uses, the
--     channels of a reply, a property and a user; it is refused if it may not
--     use them.  What is old goes.
-- ll1_sweep (group, idle)
--     KEYS: a queue.  Consumers of the group that have been idle for so many
--     ms, and have nothing pending, go: their number.
--
-- A member's record is one of
--     o ROLE FROM        an open window; ROLE is l or t
--     c ROLE FROM TO     a closed one, with what it shows in snaps at TO
--     p ROLE             party of the pending lease, no window
--     x                  none any more; the inbox is to forget the thread
--
-- Fields of meta for views: label, lease (less its brace), parties, sig of the
-- active lease; plabel, please, pparties, psig, pat (when it was declared) of
-- the pending one; next, the pending one in short; last, of the newest entry;
-- zone, the time zone of the active lease, else of the pending or last one.
-- Lines of parties are "USER FROM FRAGMENT", those in a snap "USER MARK
-- FRAGMENT", each fragment a party as JSON less its brace.

local THREAD, META, READS, SNAPS, LEASES = 1, 2, 3, 4, 5
local SENT, SENT_BEFORE = 3, 4
local INBOX, ORDER = 1, 2

-- fields of meta that each user has: the window, unread messages, read mark
local MEMBER, UNREAD, READ = 'm:', 'u:', 'r:'

-- where an entry's values stand in its list of fields
local ENTRY, HASH, SENDER = 2, 6, 8

local ROLES = { l = 'landlord', t = 'tenant' }
local SCAN = 1000

-- how many parties a thread of the inbox names; VIEW_PARTIES in worker/view.h
local PARTIES = 6


-- redis.call is not there yet while the library is loaded: the first call puts
-- it here
local call

call = function(...)
    call = redis.call
    return call(...)
end


-- what string.format makes of a byte, filled when first needed: there is no
-- string library while this one is loaded
local HEX = {}


-- half of what string.format costs for four bytes; a page has fifty of these
local function tag_of(hash)
    if not HEX[0] then
        for i = 0, 255 do
            HEX[i] = string.format('%02x', i)
        end
    end

    local a, b, c, d = string.byte(hash, 1, 4)

    return HEX[a] .. HEX[b] .. HEX[c] .. HEX[d]
end


-- exact up to 2^53, and a tenth of what '%.0f' costs; there are twenty of
-- these to a message
local function int(n)
    return string.format('%d', n)
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


local function now_ms()
    local time = call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end


local function register(name, callback, flags)
    redis.register_function{
        function_name = name, callback = callback, flags = flags or {}
    }
end


local READ_ONLY = { 'no-writes' }
