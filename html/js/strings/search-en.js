/* English, for the search; as in en.js. */

export default {
    'find.title': 'Search messages',
    'find.label': 'Search messages',
    'find.close': 'Close the search',
    'find.where': 'Search in',
    'find.here': 'This thread',
    'find.all': 'All threads',
    'find.hint': 'Messages with all of these words are found, in upper or '
                 + 'lower case, with or without accents. "Words in quotes" '
                 + 'are found together.',
    'find.searching': 'Searching',
    'find.found': { one: '{n} message found', other: '{n} messages found' },
    'find.sofar': { one: '{n} message so far', other: '{n} messages so far' },
    'find.none': 'No message found',
    'find.back': 'Nothing found back to {date}',
    'find.nothingyet': 'Nothing found so far',
    'find.earlier': 'Search earlier messages',
    'find.further': 'Search further',
    'find.retry': 'Try again',
    'find.open': 'A quotation mark is not closed. Put one at the end of the '
                 + 'phrase.',
    'find.long': 'A search has at most 200 characters.',
    'find.refused': 'This search is not valid.',
    'find.gone': 'You have no access to this thread.',
    'find.wait': 'Too many searches in a short time. This one continues in '
                 + 'a moment.',
    'find.waiting': 'Too many searches in a short time. This one continues '
                    + 'in {n} s.',
    'find.failed': 'The search could not continue: no answer from the '
                   + 'server.',
    'find.local.network': 'No connection: searched only what is on this '
                          + 'device.',
    'find.local.server': 'The server cannot search now: searched only what '
                         + 'is on this device.',
    'find.day': 'Go to a date',
    'find.day.go': 'Go',
    'find.day.next': 'Nothing was written on {date}. This is the next entry, '
                     + 'of {other}.',
    'find.day.last': 'Nothing was written on {date} or later. This is the '
                     + 'last entry, of {other}.',
    'find.day.failed': 'No connection: this date is not on this device.',
};
