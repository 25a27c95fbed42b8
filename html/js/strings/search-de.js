/* German, for the search; as in de.js. */

export default {
    'find.title': 'Nachrichten durchsuchen',
    'find.label': 'Nachrichten durchsuchen',
    'find.close': 'Suche schließen',
    'find.where': 'Suchen in',
    'find.here': 'Diese Unterhaltung',
    'find.all': 'Alle',
    'find.hint': 'Gefunden werden Nachrichten mit allen diesen Wörtern, groß '
                 + 'oder klein, mit oder ohne Akzente. „Wörter in '
                 + 'Anführungszeichen“ werden zusammen gesucht.',
    'find.searching': 'Suche läuft',
    'find.found': { one: '{n} Nachricht gefunden',
                    other: '{n} Nachrichten gefunden' },
    'find.sofar': { one: 'Bisher {n} Nachricht',
                    other: 'Bisher {n} Nachrichten' },
    'find.none': 'Keine Nachricht gefunden',
    'find.back': 'Bis zurück zum {date} nichts gefunden',
    'find.nothingyet': 'Bisher nichts gefunden',
    'find.earlier': 'Frühere Nachrichten durchsuchen',
    'find.further': 'Weitersuchen',
    'find.retry': 'Erneut versuchen',
    'find.open': 'Ein Anführungszeichen ist offen. Setzen Sie eines ans Ende '
                 + 'der Wortgruppe.',
    'find.long': 'Eine Suche hat höchstens 200 Zeichen.',
    'find.refused': 'Diese Suche ist ungültig.',
    'find.gone': 'Sie haben keinen Zugang zu dieser Unterhaltung.',
    'find.wait': 'Zu viele Suchen in kurzer Zeit. Diese geht gleich weiter.',
    'find.waiting': 'Zu viele Suchen in kurzer Zeit. Diese geht in {n} s '
                    + 'weiter.',
    'find.failed': 'Die Suche konnte nicht fortgesetzt werden: keine Antwort '
                   + 'vom Server.',
    'find.local.network': 'Keine Verbindung: durchsucht ist nur, was auf '
                          + 'diesem Gerät liegt.',
    'find.local.server': 'Der Server kann gerade nicht suchen: durchsucht '
                         + 'ist nur, was auf diesem Gerät liegt.',
    'find.day': 'Zum Datum',
    'find.day.go': 'Los',
    'find.day.next': 'Am {date} wurde nichts geschrieben. Das ist der '
                     + 'nächste Eintrag, vom {other}.',
    'find.day.last': 'Am {date} und danach wurde nichts geschrieben. Das '
                     + 'ist der letzte Eintrag, vom {other}.',
    'find.day.failed': 'Keine Verbindung: Dieses Datum liegt nicht auf '
                       + 'diesem Gerät.',
};
