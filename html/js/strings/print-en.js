/* English, for the record of a thread and its print; as in en.js. */

export default {
    'record.menu': 'Save or print',
    'record.save': 'Save the record',
    'record.print': 'Print',
    'record.verify': 'Verify a record',
    'record.what': 'The record is a file that proves, without us, that '
                   + 'nothing is missing and nothing was changed.',

    'print.title': 'Record of a conversation',
    'print.loading': 'Fetching the record',
    'print.checking': { one: 'Checking: {n} entry so far',
                        other: 'Checking: {n} entries so far' },
    'print.drawing': { one: 'Laying out: {n} page so far',
                       other: 'Laying out: {n} pages so far' },
    'print.ready': { one: '{n} page. The record was checked and is whole.',
                     other: '{n} pages. The record was checked and is '
                            + 'whole.' },
    'print.print': 'Print',
    'print.paper': 'Paper',
    'print.letter': 'Letter',
    'print.back': 'Back to the conversation',
    'print.retry': 'Try again',
    'print.false': 'The record does not verify, so it is not printed. Entry '
                   + '{seq} is at fault. Try again; if it stays like this, '
                   + 'tell the service.',
    'print.false.file': 'The record does not verify, so it is not printed. '
                        + 'Try again; if it stays like this, tell the '
                        + 'service.',
    'print.cut': 'The record did not arrive completely.',
    'print.signin': 'You are not signed in.',
    'print.gone': 'You have no access to this conversation.',
    'print.busy': 'Too many records at once. Wait until the others are done.',
    'print.failed': 'The server does not answer.',
    'print.crypto': 'This browser cannot check the record here: the page has '
                    + 'to be opened by https.',

    'print.property': 'Property',
    'print.reader': 'Printed for',
    'print.person': '{name} ({user}), {role}',
    'print.parties': 'Parties',
    'print.lease': 'Lease',
    'print.lease.is': '{id}: {words}',
    'print.entries': 'Entries',
    'print.entries.is': { one: '{first} to {last}, {n} in all',
                          other: '{first} to {last}, {n} in all' },
    'print.entries.none': 'none',
    'print.times': 'Times',
    'print.times.is': 'in the time zone {zone}',
    'print.zone': 'Times: {zone}',
    'print.made': 'Made',
    'print.checkpoint': 'Checkpoint',
    'print.fingerprint': 'Fingerprint',

    'print.entry': 'Entry {seq}',
    'print.entry.more': 'Entry {seq}, continued',
    'print.erased': 'This message was erased on {at}. Its text is gone; that '
                    + 'it was here, and in which place, is still proven.',
    'print.mark': '{name} had read up to entry {seq} on {at}',
    'print.range': 'Entry {from} to {to} of {last}',
    'print.range.one': 'Entry {from} of {last}',
    'print.range.none': 'No entry on this page',
    'print.page': 'Page {n} of {all}',
    'print.mine': 'Fingerprint at entry {seq}',
    'print.signed': 'Signed by {origin} at {at}: entry {seq}',
    'print.unproven': 'Names {origin} at {at}: entry {seq}; its signature '
                      + 'could not be checked',
    'print.unsigned': 'This record is not signed',

    'print.end': 'End of the record',
    'print.proves': 'What a record proves',
    'print.proves.1': 'The service signed that it held exactly these entries, '
                      + 'in this order, at the time of the checkpoint. Each '
                      + 'fingerprint depends on every entry before it.',
    'print.proves.none': 'This record is not signed. Its entries fit '
                         + 'together, but nobody has signed that they were '
                         + 'at the service.',
    'print.proves.2': 'The proof is the file, not the paper. With "Save the '
                      + 'record" and the page verify.html anybody can check '
                      + 'it, without a network. The fingerprint shown there '
                      + 'must be the last one printed here.',
    'print.not': 'What it does not prove',
    'print.not.1': 'Who sat at the keyboard, or that what was written is '
                   + 'true.',
    'print.not.2': 'The address, the parties and the lease on the first page, '
                   + 'and when somebody had read something: these are what '
                   + 'the service says.',
    'print.not.3': 'Anything about time beyond what the service says: it sets '
                   + 'the times itself.',
    'print.not.4': 'A record has no legal effect of its own. What it is worth '
                   + 'is for those to judge who are shown it.',
};
