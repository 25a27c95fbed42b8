/* German, for the record of a thread and its print; as in en.js. */

export default {
    'record.menu': 'Speichern oder drucken',
    'record.save': 'Protokoll speichern',
    'record.print': 'Drucken',
    'record.verify': 'Protokoll prüfen',
    'record.what': 'Das Protokoll ist eine Datei, die auch ohne uns beweist, '
                   + 'dass nichts fehlt und nichts verändert wurde.',

    'print.title': 'Protokoll eines Gesprächs',
    'print.loading': 'Holt das Protokoll',
    'print.checking': { one: 'Prüft: bisher {n} Eintrag',
                        other: 'Prüft: bisher {n} Einträge' },
    'print.drawing': { one: 'Setzt: bisher {n} Seite',
                       other: 'Setzt: bisher {n} Seiten' },
    'print.ready': { one: '{n} Seite. Das Protokoll wurde geprüft und ist '
                          + 'vollständig.',
                     other: '{n} Seiten. Das Protokoll wurde geprüft und ist '
                            + 'vollständig.' },
    'print.print': 'Drucken',
    'print.paper': 'Papier',
    'print.letter': 'Letter',
    'print.back': 'Zurück zum Gespräch',
    'print.retry': 'Noch einmal',
    'print.false': 'Das Protokoll stimmt nicht und wird deshalb nicht '
                   + 'gedruckt. Der Fehler ist in Eintrag {seq}. Versuchen '
                   + 'Sie es noch einmal; bleibt es so, sagen Sie es dem '
                   + 'Dienst.',
    'print.false.file': 'Das Protokoll stimmt nicht und wird deshalb nicht '
                        + 'gedruckt. Versuchen Sie es noch einmal; bleibt es '
                        + 'so, sagen Sie es dem Dienst.',
    'print.cut': 'Das Protokoll ist nicht vollständig angekommen.',
    'print.signin': 'Sie sind nicht angemeldet.',
    'print.gone': 'Sie haben keinen Zugang zu diesem Gespräch.',
    'print.busy': 'Zu viele Protokolle auf einmal. Warten Sie, bis die '
                  + 'anderen fertig sind.',
    'print.failed': 'Der Server antwortet nicht.',
    'print.crypto': 'Dieser Browser kann das Protokoll hier nicht prüfen: Die '
                    + 'Seite muss über https geöffnet werden.',

    'print.property': 'Objekt',
    'print.reader': 'Gedruckt für',
    'print.person': '{name} ({user}), {role}',
    'print.parties': 'Beteiligte',
    'print.lease': 'Mietvertrag',
    'print.lease.is': '{id}: {words}',
    'print.entries': 'Einträge',
    'print.entries.is': { one: '{first} bis {last}, insgesamt {n}',
                          other: '{first} bis {last}, insgesamt {n}' },
    'print.entries.none': 'keine',
    'print.times': 'Zeiten',
    'print.times.is': 'in der Zeitzone {zone}',
    'print.zone': 'Zeiten: {zone}',
    'print.made': 'Erstellt',
    'print.checkpoint': 'Prüfpunkt',
    'print.fingerprint': 'Fingerabdruck',

    'print.entry': 'Eintrag {seq}',
    'print.entry.more': 'Eintrag {seq}, Fortsetzung',
    'print.erased': 'Diese Nachricht wurde am {at} gelöscht. Ihr Text ist '
                    + 'weg; dass sie hier stand, und an welcher Stelle, ist '
                    + 'weiterhin bewiesen.',
    'print.mark': '{name} hatte bis Eintrag {seq} gelesen am {at}',
    'print.range': 'Eintrag {from} bis {to} von {last}',
    'print.range.one': 'Eintrag {from} von {last}',
    'print.range.none': 'Kein Eintrag auf dieser Seite',
    'print.page': 'Seite {n} von {all}',
    'print.mine': 'Fingerabdruck bei Eintrag {seq}',
    'print.signed': 'Unterschrieben von {origin} um {at}: Eintrag {seq}',
    'print.unproven': 'Nennt {origin} um {at}: Eintrag {seq}; die Unterschrift '
                      + 'konnte nicht geprüft werden',
    'print.unsigned': 'Dieses Protokoll ist nicht unterschrieben',

    'print.end': 'Ende des Protokolls',
    'print.proves': 'Was ein Protokoll beweist',
    'print.proves.1': 'Der Dienst hat unterschrieben, zur Zeit des Prüfpunkts '
                      + 'genau diese Einträge in dieser Reihenfolge gehabt zu '
                      + 'haben. Jeder Fingerabdruck hängt von allen Einträgen '
                      + 'davor ab.',
    'print.proves.none': 'Dieses Protokoll ist nicht unterschrieben. Seine '
                         + 'Einträge passen zueinander, aber niemand hat '
                         + 'unterschrieben, dass sie beim Dienst waren.',
    'print.proves.2': 'Der Beweis ist die Datei, nicht das Papier. Mit '
                      + '„Protokoll speichern“ und der Seite verify.html kann '
                      + 'jeder es prüfen, ohne Netz. Der Fingerabdruck dort '
                      + 'muss der letzte hier gedruckte sein.',
    'print.not': 'Was es nicht beweist',
    'print.not.1': 'Wer an der Tastatur saß, oder dass das Geschriebene wahr '
                   + 'ist.',
    'print.not.2': 'Anschrift, Beteiligte und Mietvertrag auf der ersten '
                   + 'Seite und wann jemand etwas gelesen hatte: Das ist, was '
                   + 'der Dienst sagt.',
    'print.not.3': 'Irgendetwas über Zeiten, das über die Angaben des '
                   + 'Dienstes hinausgeht: Er setzt sie selbst.',
    'print.not.4': 'Ein Protokoll hat von sich aus keine rechtliche Wirkung. '
                   + 'Was es wert ist, beurteilen die, denen es vorgelegt '
                   + 'wird.',
};
