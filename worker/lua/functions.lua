#!lua name=leaseloft_1
-- revision 35
--
-- A worker loads its own library over one of a lower revision.  Raise the
-- revision with each change here, so that during an upgrade old workers do not
-- replace newer functions.

-- The functions that nginx and the workers call in Redis.
--
-- docs/data.md describes the keys, and the functions that nginx calls.  Each
-- function uses keys of one hash tag only, and is atomic.  The functions do not
-- decide about leases: the worker decides, and a function commits the decision
-- if the property has not changed since the worker read it, or else returns
-- its present state.  Nothing is hashed or parsed as JSON here.
--
-- The library is this file followed by functions_*.lua; embed.sh has the order.
--
-- For the workers, with KEYS those of a property unless said otherwise:
--
-- ll1_state (lease)
--     { 2, seq, hash, at, rev, ver, state, ended }, with nil for what does not
--     exist.  ended: the record of that lease if it has ended.  The next two
--     return the first seven if the property has changed.
-- ll1_append (sent id, hash, rev, bucket, seq, at, entry, salt, hash, last,
--             sender, other users ..., channel)
--     KEYS: thread, meta, this bucket of sent ids and the one before, by the
--     worker's clock, segments; the function uses the clock of Redis.
--     The first hash and rev are those that the entry builds upon.
--     { 0, ver, unread of the sender, of each other user ... }, or
--     { 1, seq, entry } if this id was sent before, or { 1, seq, segment,
--     entries in each segment } if that entry is sealed, or as ll1_state.
-- ll1_lease (seq, hash, rev, channel, operations ...)
--     { 0, ver }, or as ll1_state.  See OPERATIONS.
-- ll1_mark (property, user, upto, time, time as RFC 3339, channel, limit,
--           after, to, messages)
--     { 0, ver, unread, at, shown }, for ll1_badge; { 1, head } if upto is past
--     the head; { 2 } if the user has no window; { 3, after, to } if entries
--     other than the newest, limit of them, are to be counted: the caller
--     counts the messages of others among them with ll1_count, and calls again
--     with after, to and their number, which are empty at first.
-- ll1_badges (users ...)
--     { ver, user, unread, at, shown, ... }: the arguments of ll1_badge for
--     each of the users, or for all members if none is given.  at 0: not in the
--     inbox.
-- ll1_counts ()
--     { seq, messages, user, record, mark, counted, ... }: n and c of meta for
--     all members, "0" for those that do not exist.
-- ll1_recount (channel, limit, seq, messages,
--              user, record, mark, new record, counted, ...)
--     Sets n, and the record and c: of each user, which the caller counted from
--     the entries up to seq: 1.  Later entries are counted here: 0 if they are
--     more than limit, or if a record or a mark has changed.
-- ll1_count (after, to)
--     { messages, sender, messages of the sender, ... }: those of the entries
--     after `after` up to `to`.  The caller limits their number.
-- ll1_entries (first, last, limit, backward)
--     Entries of a thread, all of them with limit entries or fewer in one call
--     and the rest in the next ones: { 1, first, number, segment }, which
--     contains first, or last if backward is 1, or { 0, first, number, { kind,
--     entry, salt, hash, sender, ... } }.  kind is empty, or l for a lost entry,
--     which has no salt, hash and sender, or e for an erased one, which has its
--     digest as salt.  The number is 0 if there are none.
-- ll1_window (user)
--     { first, last, label }: the entries that a user may see, for searches, and
--     the label as JSON; last is less than first if there are none.  nil if the
--     user may see nothing.
-- ll1_unsealed (keep, size)
--     The entries that can be sealed next, if more than keep ones follow them:
--     { sealed, erasures, first, number, hash before first, { as in
--     ll1_entries } }, or nil.
-- ll1_seal (sealed, erasures, first, number, hash of the last, segment, erased)
--     Moves these entries from the stream to the segment, unless sealed or
--     erasures have changed or the last entry has another hash: 1 if it did.
--     erased is 1 if there are erased ones among them.
-- ll1_erase (seq, sealed, erasures, limit, begin, channel, last, erased,
--            segment, time as RFC 3339)
--     KEYS: those of a property, a copy of its stream.
--     Copies limit entries of the stream, from the start if begin is 1: { 1 }
--     if there are more.  Else message seq is erased: { 0 }.  { 2 } if sealed or
--     erasures have changed, on which the other arguments are based: what the
--     entry shows in inboxes if it is the newest, the field "eSEQ" if it is not
--     sealed (functions_segment.lua), else its segment.
-- ll1_badge (channel, force, property, ver, unread, at, shown, ...)
--     KEYS: those of a user.  Sets threads of the inbox as of ver, unless they
--     are as new already (newer, if force is 1): how many that changed.  With
--     =VER as force, also those that are as of VER, which the property has lost.
-- ll1_forget (property, thread)
--     KEYS: those of a user.  Deletes a thread from the inbox if it is still
--     that one: 1 if it did.  The caller calls ll1_total afterwards.
-- ll1_total (channel)
--     KEYS: those of a user.  Rebuilds the account and the order: the total.
-- ll1_purge (channel)
--     KEYS: those of a property, purge, buckets of sent ids.  Deletes all but
--     purge, where it stores the members: the members.
-- ll1_unname (user, channel)
--     Replaces the name of a user by the id, where closed windows and ended
--     leases have it, and ends the user's window: 1, 0 if nothing was to
--     change, 2 if a lease is active or pending.
-- ll1_due (property, rev, time, seen)
--     KEYS: due, vers.  Sets the next due time (empty: none) as of rev, unless
--     a newer rev has set it: 1 if it did.  Also if the newer one has set the
--     time that was seen before the property was read at rev, if there is a
--     fourth argument: the property has lost that rev.
-- ll1_defer (property, seen, time)
--     KEYS: due.  Moves the due time from seen to time after a failure, unless
--     it was changed meanwhile: 1 if it did.
-- ll1_owe (debts ...)
--     KEYS: owed.  Adds debts, or renews them: their number.
-- ll1_settle (debt, seen, ...)
--     KEYS: owed.  Deletes debts unless they were renewed since they were seen
--     with that score: how many it deleted.
-- ll1_bury (group, id, fields ...)
--     KEYS: a queue, its dead letters.  Acknowledges and deletes a request, and
--     adds the fields as a dead letter: 1, or 0 if it was acknowledged before.
--     With the queue as the second key too, moves the request to its end.
-- ll1_retry (id)
--     KEYS: a queue, its dead letters.  Moves a dead letter back into the
--     queue: 1, or 0 if there is none of that id, -1 if it holds no request.
-- ll1_beat (worker, record, queue, dead, meta, inbox, due, channels ..., layout)
--     KEYS: workers, nginx, layout.  A heartbeat; an empty record deletes the
--     worker.  The error "LAYOUT N" if the data has another layout; if there is
--     no data yet, sets it.
--     { Redis's time in ms, commands that the user may not run, the largest
--     number of queues of an nginx, the worker's place among those that take
--     requests, from 0, their number }; only the time without the second key.
--     The keys and channels (of a reply, a property, a user) are examples for
--     the test of the user's rights.  Deletes stale heartbeats.
-- ll1_revoke (user, seconds, channel)
--     KEYS: revoked.  Revokes the tokens of a user for that time; with 0, ends
--     that: { 1 if they were revoked, now, the end, in seconds }.
-- ll1_sweep (group, idle)
--     KEYS: a queue.  Deletes consumers of the group that have been idle for
--     that many ms and have nothing pending: their number.
--
-- The record of a member is one of
--     o ROLE FROM SKIP       an open window; ROLE is l or t
--     c ROLE FROM TO SKIP N  a closed one; snaps has at TO what it shows, N is
--                            the number of messages up to TO
--     p ROLE                 party of the pending lease, no window
--     x                      no window any more; the inbox drops the thread
-- SKIP is the number of messages of others between the read mark and FROM, while
-- the mark is before FROM: c: counts them, but would not if the user had a
-- window from 1.
--
-- Fields of meta for views: view, that of the active lease, has lines: a
-- signature, the label, the lease (without its brace), a line of each party;
-- pview is that of the pending one, pat when it was declared; next, the pending lease in short, if any; last, that of the
-- newest entry; zone, the time zone of the active lease, else of the pending or
-- last one.  A line of parties is "USER FROM FRAGMENT", in a snap "USER MARK
-- FRAGMENT"; a fragment is a party as JSON without its brace.

-- the same as in the second line of this file, for health
local REVISION = 35

local THREAD, META, READS, SNAPS, LEASES, SEGMENTS = 1, 2, 3, 4, 5, 6
local SENT, SENT_BEFORE, SENT_SEGMENTS = 3, 4, 5
local INBOX, ORDER = 1, 2

-- fields of meta for each user: window, messages that are not unread, read mark
local MEMBER, COUNTED, READ = 'm:', 'c:', 'r:'

-- indexes of values in the list of fields of an entry
local ENTRY, HASH, SENDER = 2, 6, 8

local ROLES = { l = 'landlord', t = 'tenant' }

-- parties in a thread of the inbox
local PARTIES = 6


-- redis.call does not exist while the library is loaded, so the first call
-- sets it
local call

call = function(...)
    call = redis.call
    return call(...)
end


-- the command that publishes on a channel: in a cluster the caller's names of
-- channels end with ":shard", else with ":ch" (common/keys.c)
local function publish_command(channel)
    return string.byte(channel, -1) == 100 and 'SPUBLISH' or 'PUBLISH'
end


local function publish(channel, message)
    call(publish_command(channel), channel, message)
end


-- each byte in hexadecimal, filled by the first call: the string library does
-- not exist while this one is loaded
local HEX = {}


-- half the time of string.format for four bytes; a page has fifty tags
local function tag_of(hash)
    if not HEX[0] then
        for i = 0, 255 do
            HEX[i] = string.format('%02x', i)
        end
    end

    local a, b, c, d = string.byte(hash, 1, 4)

    return HEX[a] .. HEX[b] .. HEX[c] .. HEX[d]
end


-- exact up to 2^53, and a tenth of the time of '%.0f'; a message needs twenty
local function int(n)
    return string.format('%d', n)
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
