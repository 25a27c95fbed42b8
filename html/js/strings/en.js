/* English.  See core/i18n.js for the form; docs/ui.md for how to add one. */

export default {
    'app.name': 'LeaseLoft',
    'app.messages': 'Messages',
    'app.skip': 'Skip to the conversation',

    'signin.title': 'Sign in',
    'signin.go': 'Sign in',
    'signin.ask': 'Open your sign-in link, or ask whoever gave it to you for '
                  + 'a new one.',
    'signin.none': 'You are not signed in.',
    'signin.out': 'You have signed out. What was kept in this browser is '
                  + 'removed.',
    'signin.expired': 'Your sign-in has ended. What you have written is '
                      + 'kept.',
    'signin.old': 'That sign-in link has expired.',
    'signin.bad': 'That sign-in link is not valid. Copy the whole of it.',
    'signin.wait': 'Connecting',
    'signin.waiting': 'The server does not answer yet. We keep trying.',
    'signin.other': 'Continue as {name}?',
    'signin.other.what': 'You are signed in as {now}. This link signs you '
                         + 'in as {next}.',
    'signin.stay': 'Stay signed in as {name}',
    'signin.change': 'Continue as {name}',

    'session.ended': 'Your sign-in has ended. Everything here is kept, and '
                     + 'goes on by itself once you have signed in.',
    'session.ended.link': 'Your sign-in has ended. Everything here is kept, '
                          + 'and goes on by itself once you open your '
                          + 'sign-in link again.',
    'session.other': '{other} has signed in in this browser. This page is '
                     + 'still that of {name}; what is unsent here waits for '
                     + '{name}.',

    'signout.title': 'Sign out and delete what is unsent?',
    'signout.messages': { one: '{n} message has not been sent.',
                          other: '{n} messages have not been sent.' },
    'signout.drafts': { one: '{n} draft is kept in this browser.',
                        other: '{n} drafts are kept in this browser.' },
    'signout.stay': 'Stay signed in',
    'signout.delete': 'Sign out and delete',
    'signout.failed': 'You are still signed in: the server does not answer.',

    'account.open': 'Account: {name}',
    'account.as': 'Signed in as {name}',
    'account.language': 'Language',
    'account.out': 'Sign out',

    'status.live': 'Live',
    'status.connecting': 'Reconnecting',
    'status.checking': 'Checking every 10 s',
    'status.offline': 'Offline',
    'status.signed-out': 'Signed out',
    'banner.waiting': {
        one: '{n} message waits to be sent. It goes out by itself.',
        other: '{n} messages wait to be sent. They go out by themselves.',
    },
    'banner.loose': {
        one: 'This browser cannot keep your message. Do not close this page '
             + 'before it is sent.',
        other: 'This browser cannot keep your {n} messages. Do not close '
               + 'this page before they are sent.',
    },
    'banner.offline': 'You are offline. What you write is kept and sent '
                      + 'later.',

    'message.actions': 'Message actions',
    'message.copy': 'Copy text',
    'message.copylink': 'Copy link',
    'message.quote': 'Quote',
    'message.copied': 'Copied',
    'message.uncopied': 'Your browser does not allow copying.',
    'message.more': 'more',
    'message.less': 'less',
    'thread.done': 'No reply needed',
    'thread.done.what': 'No reply needed: done until the next message. Kept '
                        + 'in this browser only.',
    'thread.undone.what': 'Done, in this browser only. Press to undo.',
    'state.queued': 'Queued at the server',
    'state.others': { one: '{n} other', other: '{n} others' },
    'compose.photo': 'Photos cannot be sent yet.',
    'keys.title': 'Keyboard shortcuts',
    'keys.find': 'Search messages',
    'keys.filter': 'Filter the list',
    'keys.move': 'Move in the list, or among messages',
    'keys.open': 'Open the thread',
    'keys.back': 'Back to the list',
    'keys.line': 'Start a new line',
    'keys.send': 'Send',
    'keys.keys': 'Show this list',
    'keys.close': 'Close',
    'version.new': 'A new version is here.',
    'version.reload': 'Reload',
    'inbox.title': 'Threads',
    'inbox.unread': { one: '{n} unread message',
                      other: '{n} unread messages' },
    'inbox.filter': 'Filter by address or name',
    'inbox.filters': 'Show',
    'inbox.all': 'All',
    'inbox.only.unread': 'Unread',
    'inbox.only.reply': 'Needs reply',
    'inbox.only.ended': 'Ended',
    'inbox.loading': 'Loading your threads',
    'inbox.error': 'Could not refresh. This is what we last knew; trying '
                   + 'again.',
    'inbox.searching': 'Still searching',
    'inbox.moved': 'Show newest first',
    'inbox.you': 'You: {text}',
    'inbox.said': '{name}: {text}',
    'inbox.tenant': 'You rent',

    'empty.none': 'No properties yet',
    'empty.none.what': 'As soon as a lease names you, its thread appears '
                       + 'here by itself.',
    'empty.unread': 'All caught up',
    'empty.unread.what': 'You have read everything.',
    'empty.reply': 'Nobody is waiting for you',
    'empty.reply.what': 'Every thread has had its answer.',
    'empty.ended': 'No ended leases',
    'empty.ended.what': 'Threads stay here to be read when a lease ends.',
    'empty.found': 'Nothing found',
    'empty.found.what': 'No address or name has "{text}" in it.',
    'empty.pick': 'Pick a thread',
    'empty.pick.what': 'Press / to filter, the arrow keys to move, Enter to '
                       + 'open.',

    'find.all.what': 'Search all messages (Ctrl+K)',
    'find.thread.what': 'Search this thread (Ctrl+K)',
    'find.words': 'Search messages for "{text}"',

    'lease.pending': 'Not started',
    'lease.active': 'Active',
    'lease.ended': 'Ended',
    'lease.from': 'Lease from {from}',
    'lease.range': 'Lease {from} to {to}',
    'lease.next': 'Next lease starts {date}',

    'role.landlord': 'Landlord',
    'role.tenant': 'Tenant',
    'people.title': 'People here',
    'people.all': 'Everyone here sees every message.',
    'people.you': '{name} (you)',
    'people.count': { one: '{n} person', other: '{n} people' },

    'thread.back': 'Back to all threads',
    'thread.loading': 'Loading the thread',
    'thread.messages': 'Messages',
    'thread.older': 'Loading older messages',
    'thread.stale': 'Could not refresh. This is what we last knew; trying '
                    + 'again.',
    'thread.error': 'The thread could not be loaded',
    'thread.error.what': 'We keep trying. Nothing you do is lost.',
    'thread.gone': 'There is no such thread',
    'thread.gone.what': 'It does not exist, or you are not part of it.',
    'thread.missing': 'That message is not here.',
    'thread.opens': 'This thread opens on {date}',
    'thread.opens.what': 'Messages can be written from then on.',
    'thread.empty': 'Nothing has been written yet',
    'thread.empty.what': 'Say hello: {names} will see it.',
    'thread.new': 'New messages',
    'thread.newer': { one: '{n} new', other: '{n} new' },
    'thread.newest': 'Go to the newest message',
    'thread.link': 'Link to this message, {at}',

    'event.opened': 'The lease began',
    'event.ended': 'The lease ended',
    'event.erased': 'This message was removed',
    'event.gone': 'This message is no longer available',
    'people.joined': 'Somebody joined',
    'people.left': 'Somebody left',

    'event.joined': '{name} joined',
    'event.left': '{name} left',

    'state.sending': 'Sending',
    'state.sent': 'Sent {time}',
    'state.seen': 'Seen by {names}',
    'state.failed': 'Not sent: {why}',
    'state.retry': 'Retry',
    'state.delete': 'Delete draft',

    'why.lease-not-active': 'the lease is not active',
    'why.client-id-reused': 'it clashed with another message',
    'why.404': 'this thread is closed to you',
    'why.413': 'it is too long',
    'why.invalid-body': 'it has characters that cannot be sent',
    'why.other': 'the server refused it',

    'compose.label': 'Write a message',
    'compose.hint': 'Enter sends, Shift+Enter starts a new line',
    'compose.send': 'Send',
    'compose.left': { one: '{n} character left',
                      other: '{n} characters left' },
    'compose.over': { one: '{n} character too many',
                      other: '{n} characters too many' },
    'compose.ended': 'This lease ended on {date}. The thread can be read, '
                     + 'not written.',
    'compose.closed': 'You can read this thread, but no longer write in it.',
    'compose.pending': 'You can write here from {date}.',

    'say.message': '{name}: {text}',
    'say.many': { one: '{n} new message', other: '{n} new messages' },
    'say.unkept': 'This browser cannot keep drafts: what you type is lost '
                  + 'when you leave this page.',
    'say.failed': 'A message was not sent: {why}',

    'day.today': 'Today',
    'day.yesterday': 'Yesterday',
    'time.zone': '{time} {city} time',
    'time.now': 'now',
    'time.minutes': { one: '{n} min', other: '{n} min' },
};
