/* German. */

export default {
    'app.name': 'LeaseLoft',
    'app.messages': 'Nachrichten',
    'app.skip': 'Zur Unterhaltung springen',

    'signin.title': 'Du bist abgemeldet',
    'signin.what': 'Öffne den Anmelde-Link, den du bekommen hast. Er sieht '
                   + 'so aus:',
    'signin.demo': 'Nur zum Ausprobieren? „make run“ druckt einen Link für '
                   + 'jede von fünf Personen: zwei Vermieter und drei '
                   + 'Mieter.',
    'signin.expired': 'Deine Anmeldung ist abgelaufen. Öffne deinen Link '
                      + 'erneut. Was du geschrieben hast, bleibt erhalten.',
    'signin.bad': 'Dieser Anmelde-Link ist unvollständig. Kopiere ihn ganz.',

    'account.open': 'Konto: {name}',
    'account.as': 'Angemeldet als {name}',
    'account.language': 'Sprache',
    'account.out': 'Abmelden',

    'status.live': 'Live',
    'status.connecting': 'Verbinde neu',
    'status.checking': 'Sieht alle 10 s nach',
    'status.offline': 'Offline',
    'status.signed-out': 'Abgemeldet',
    'banner.waiting': {
        one: '{n} Nachricht wartet. Sie wird von selbst gesendet.',
        other: '{n} Nachrichten warten. Sie werden von selbst gesendet.',
    },
    'banner.offline': 'Du bist offline. Was du schreibst, wird aufbewahrt '
                      + 'und später gesendet.',

    'inbox.title': 'Unterhaltungen',
    'inbox.unread': { one: '{n} ungelesene Nachricht',
                      other: '{n} ungelesene Nachrichten' },
    'inbox.filter': 'Nach Adresse oder Name filtern',
    'inbox.filters': 'Zeige',
    'inbox.all': 'Alle',
    'inbox.only.unread': 'Ungelesen',
    'inbox.only.reply': 'Offen',
    'inbox.only.ended': 'Beendet',
    'inbox.loading': 'Unterhaltungen werden geladen',
    'inbox.error': 'Konnte nicht aktualisieren. Das ist der letzte Stand; '
                   + 'wir versuchen es weiter.',
    'inbox.moved': 'Neueste zuerst zeigen',
    'inbox.you': 'Du: {text}',
    'inbox.said': '{name}: {text}',
    'inbox.tenant': 'Gemietet',

    'empty.none': 'Noch keine Wohnungen',
    'empty.none.what': 'Sobald du in einem Mietvertrag stehst, erscheint die '
                       + 'Unterhaltung hier von selbst.',
    'empty.unread': 'Alles gelesen',
    'empty.unread.what': 'Du bist auf dem neuesten Stand.',
    'empty.reply': 'Niemand wartet auf dich',
    'empty.reply.what': 'Alle haben eine Antwort.',
    'empty.ended': 'Keine beendeten Mietverträge',
    'empty.ended.what': 'Endet ein Vertrag, bleibt die Unterhaltung hier '
                        + 'lesbar.',
    'empty.found': 'Nichts gefunden',
    'empty.found.what': 'Keine Adresse und kein Name enthält „{text}“.',
    'empty.pick': 'Wähle eine Unterhaltung',
    'empty.pick.what': '/ filtert, die Pfeiltasten bewegen, Enter öffnet.',

    'lease.pending': 'Beginnt noch',
    'lease.active': 'Läuft',
    'lease.ended': 'Beendet',
    'lease.from': 'Mietvertrag ab {from}',
    'lease.range': 'Mietvertrag {from} bis {to}',
    'lease.next': 'Nächster Vertrag ab {date}',

    'role.landlord': 'Vermieter',
    'role.tenant': 'Mieter',
    'people.title': 'Wer hier ist',
    'people.all': 'Alle hier sehen jede Nachricht.',
    'people.you': '{name} (du)',
    'people.count': { one: '{n} Person', other: '{n} Personen' },
    'people.joined': 'Jemand ist dazugekommen',
    'people.left': 'Jemand ist gegangen',

    'thread.back': 'Zurück zu allen Unterhaltungen',
    'thread.loading': 'Die Unterhaltung wird geladen',
    'thread.messages': 'Nachrichten',
    'thread.older': 'Ältere Nachrichten werden geladen',
    'thread.stale': 'Konnte nicht aktualisieren. Das ist der letzte Stand; '
                    + 'wir versuchen es weiter.',
    'thread.error': 'Die Unterhaltung konnte nicht geladen werden',
    'thread.error.what': 'Wir versuchen es weiter. Nichts geht verloren.',
    'thread.gone': 'Diese Unterhaltung gibt es nicht',
    'thread.gone.what': 'Sie existiert nicht, oder du gehörst nicht dazu.',
    'thread.missing': 'Diese Nachricht ist nicht hier.',
    'thread.opens': 'Diese Unterhaltung beginnt am {date}',
    'thread.opens.what': 'Ab dann kann geschrieben werden.',
    'thread.empty': 'Noch wurde nichts geschrieben',
    'thread.empty.what': 'Sag Hallo: {names} liest mit.',
    'thread.new': 'Neue Nachrichten',
    'thread.newer': { one: '{n} neue', other: '{n} neue' },
    'thread.newest': 'Zur neuesten Nachricht',
    'thread.link': 'Link zu dieser Nachricht, {at}',

    'event.opened': 'Der Mietvertrag hat begonnen',
    'event.ended': 'Der Mietvertrag ist beendet',
    'event.joined': '{name} ist dazugekommen',
    'event.left': '{name} ist gegangen',

    'state.sending': 'Wird gesendet',
    'state.sent': 'Gesendet {time}',
    'state.seen': 'Gesehen von {names}',
    'state.failed': 'Nicht gesendet: {why}',
    'state.retry': 'Erneut senden',
    'state.delete': 'Entwurf löschen',

    'why.lease-not-active': 'der Mietvertrag läuft nicht',
    'why.client-id-reused': 'sie stieß mit einer anderen zusammen',
    'why.404': 'diese Unterhaltung steht dir nicht mehr offen',
    'why.413': 'sie ist zu lang',
    'why.422': 'sie enthält Zeichen, die nicht gesendet werden können',
    'why.other': 'der Server hat sie abgelehnt',

    'compose.label': 'Nachricht schreiben',
    'compose.hint': 'Enter sendet, Umschalt+Enter beginnt eine neue Zeile',
    'compose.send': 'Senden',
    'compose.left': { one: 'noch {n} Zeichen', other: 'noch {n} Zeichen' },
    'compose.over': { one: '{n} Zeichen zu viel',
                      other: '{n} Zeichen zu viel' },
    'compose.ended': 'Dieser Mietvertrag endete am {date}. Hier kann gelesen, '
                     + 'aber nicht mehr geschrieben werden.',
    'compose.closed': 'Du kannst hier lesen, aber nicht mehr schreiben.',
    'compose.pending': 'Ab {date} kannst du hier schreiben.',

    'say.message': '{name}: {text}',
    'say.failed': 'Eine Nachricht wurde nicht gesendet: {why}',

    'day.today': 'Heute',
    'day.yesterday': 'Gestern',
    'time.now': 'jetzt',
    'time.minutes': { one: '{n} Min.', other: '{n} Min.' },
};
