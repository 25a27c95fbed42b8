/* German. */

export default {
    'app.name': 'LeaseLoft',
    'app.messages': 'Nachrichten',
    'app.skip': 'Zur Unterhaltung springen',

    'signin.title': 'Anmelden',
    'signin.go': 'Anmelden',
    'signin.ask': 'Öffnen Sie Ihren Anmelde-Link, oder bitten Sie um einen '
                  + 'neuen, wo Sie ihn bekommen haben.',
    'signin.none': 'Sie sind nicht angemeldet.',
    'signin.out': 'Sie haben sich abgemeldet. Was in diesem Browser '
                  + 'aufbewahrt war, ist entfernt.',
    'signin.expired': 'Ihre Anmeldung ist abgelaufen. Was Sie geschrieben '
                      + 'haben, bleibt erhalten.',
    'signin.old': 'Dieser Anmelde-Link ist abgelaufen.',
    'signin.bad': 'Dieser Anmelde-Link ist ungültig. Kopieren Sie ihn ganz.',
    'signin.wait': 'Verbindung wird aufgebaut',
    'signin.waiting': 'Der Server antwortet noch nicht. Wir versuchen es '
                      + 'weiter.',
    'signin.other': 'Als {name} fortfahren?',
    'signin.other.what': 'Sie sind als {now} angemeldet. Dieser Link meldet '
                         + 'Sie als {next} an.',
    'signin.stay': 'Als {name} angemeldet bleiben',
    'signin.change': 'Als {name} fortfahren',

    'session.ended': 'Ihre Anmeldung ist abgelaufen. Alles hier bleibt '
                     + 'erhalten und geht von selbst weiter, sobald Sie sich '
                     + 'angemeldet haben.',
    'session.ended.link': 'Ihre Anmeldung ist abgelaufen. Alles hier bleibt '
                          + 'erhalten und geht von selbst weiter, sobald Sie '
                          + 'Ihren Anmelde-Link erneut öffnen.',
    'session.other': '{other} hat sich in diesem Browser angemeldet. Diese '
                     + 'Seite ist noch die von {name}; was hier nicht '
                     + 'gesendet ist, wartet auf {name}.',

    'signout.title': 'Abmelden und Ungesendetes löschen?',
    'signout.messages': { one: '{n} Nachricht ist nicht gesendet.',
                          other: '{n} Nachrichten sind nicht gesendet.' },
    'signout.drafts': { one: '{n} Entwurf liegt in diesem Browser.',
                        other: '{n} Entwürfe liegen in diesem Browser.' },
    'signout.stay': 'Angemeldet bleiben',
    'signout.delete': 'Abmelden und löschen',
    'signout.failed': 'Sie sind noch angemeldet: Der Server antwortet nicht.',

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
    'banner.loose': {
        one: 'Dieser Browser kann Ihre Nachricht nicht aufbewahren. '
             + 'Schließen Sie die Seite nicht, bevor sie gesendet ist.',
        other: 'Dieser Browser kann Ihre {n} Nachrichten nicht aufbewahren. '
               + 'Schließen Sie die Seite nicht, bevor sie gesendet sind.',
    },
    'banner.offline': 'Sie sind offline. Was Sie schreiben, wird aufbewahrt '
                      + 'und später gesendet.',

    'message.actions': 'Aktionen',
    'message.copy': 'Text kopieren',
    'message.copylink': 'Link kopieren',
    'message.quote': 'Zitieren',
    'message.copied': 'Kopiert',
    'message.uncopied': 'Ihr Browser erlaubt das Kopieren nicht.',
    'message.more': 'mehr',
    'message.less': 'weniger',
    'thread.done': 'Keine Antwort nötig',
    'thread.done.what': 'Keine Antwort nötig: erledigt bis zur nächsten '
                        + 'Nachricht. Gilt nur in diesem Browser.',
    'thread.undone.what': 'Erledigt, nur in diesem Browser. Nochmals drücken '
                          + 'hebt es auf.',
    'state.queued': 'Beim Server eingereiht',
    'state.others': { one: '{n} weiteren', other: '{n} weiteren' },
    'compose.photo': 'Fotos können noch nicht gesendet werden.',
    'keys.title': 'Tastenkürzel',
    'keys.find': 'Nachrichten durchsuchen',
    'keys.filter': 'Liste filtern',
    'keys.move': 'In der Liste oder zwischen Nachrichten bewegen',
    'keys.open': 'Unterhaltung öffnen',
    'keys.back': 'Zurück zur Liste',
    'keys.line': 'Neue Zeile beginnen',
    'keys.send': 'Senden',
    'keys.keys': 'Diese Liste zeigen',
    'keys.close': 'Schließen',
    'version.new': 'Eine neue Fassung ist da.',
    'version.reload': 'Neu laden',
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
    'inbox.searching': 'Suche läuft noch',
    'inbox.moved': 'Neueste zuerst zeigen',
    'inbox.you': 'Sie: {text}',
    'inbox.said': '{name}: {text}',
    'inbox.tenant': 'Gemietet',

    'empty.none': 'Noch keine Wohnungen',
    'empty.none.what': 'Sobald Sie in einem Mietvertrag stehen, erscheint '
                       + 'die '
                       + 'Unterhaltung hier von selbst.',
    'empty.unread': 'Alles gelesen',
    'empty.unread.what': 'Sie sind auf dem neuesten Stand.',
    'empty.reply': 'Niemand wartet auf Sie',
    'empty.reply.what': 'Alle haben eine Antwort.',
    'empty.ended': 'Keine beendeten Mietverträge',
    'empty.ended.what': 'Endet ein Vertrag, bleibt die Unterhaltung hier '
                        + 'lesbar.',
    'empty.found': 'Nichts gefunden',
    'empty.found.what': 'Keine Adresse und kein Name enthält „{text}“.',
    'empty.pick': 'Wählen Sie eine Unterhaltung',
    'empty.pick.what': '/ filtert, die Pfeiltasten bewegen, Enter öffnet.',

    'find.all.what': 'Alle Nachrichten durchsuchen (Strg+K)',
    'find.thread.what': 'Diese Unterhaltung durchsuchen (Strg+K)',
    'find.words': 'Nachrichten nach „{text}“ durchsuchen',

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
    'people.you': '{name} (Sie)',
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
    'thread.gone.what': 'Sie existiert nicht, oder Sie gehören nicht dazu.',
    'thread.missing': 'Diese Nachricht ist nicht hier.',
    'thread.opens': 'Diese Unterhaltung beginnt am {date}',
    'thread.opens.what': 'Ab dann kann geschrieben werden.',
    'thread.empty': 'Noch wurde nichts geschrieben',
    'thread.empty.what': 'Sagen Sie Hallo: {names} liest mit.',
    'thread.new': 'Neue Nachrichten',
    'thread.newer': { one: '{n} neue', other: '{n} neue' },
    'thread.newest': 'Zur neuesten Nachricht',
    'thread.link': 'Link zu dieser Nachricht, {at}',

    'event.opened': 'Der Mietvertrag hat begonnen',
    'event.ended': 'Der Mietvertrag ist beendet',
    'event.erased': 'Diese Nachricht wurde entfernt',
    'event.gone': 'Diese Nachricht ist nicht mehr verfügbar',
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
    'why.404': 'diese Unterhaltung steht Ihnen nicht mehr offen',
    'why.413': 'sie ist zu lang',
    'why.invalid-body': 'sie enthält Zeichen, die nicht gesendet werden '
                        + 'können',
    'why.other': 'der Server hat sie abgelehnt',

    'compose.label': 'Nachricht schreiben',
    'compose.hint': 'Enter sendet, Umschalt+Enter beginnt eine neue Zeile',
    'compose.send': 'Senden',
    'compose.left': { one: 'noch {n} Zeichen', other: 'noch {n} Zeichen' },
    'compose.over': { one: '{n} Zeichen zu viel',
                      other: '{n} Zeichen zu viel' },
    'compose.ended': 'Dieser Mietvertrag endete am {date}. Hier kann gelesen, '
                     + 'aber nicht mehr geschrieben werden.',
    'compose.closed': 'Sie können hier lesen, aber nicht mehr schreiben.',
    'compose.pending': 'Ab {date} können Sie hier schreiben.',

    'say.message': '{name}: {text}',
    'say.many': { one: '{n} neue Nachricht',
                  other: '{n} neue Nachrichten' },
    'say.unkept': 'Dieser Browser kann keine Entwürfe aufbewahren: Was Sie '
                  + 'schreiben, geht verloren, wenn Sie die Seite verlassen.',
    'say.failed': 'Eine Nachricht wurde nicht gesendet: {why}',

    'day.today': 'Heute',
    'day.yesterday': 'Gestern',
    'time.zone': '{time} ({city})',
    'time.now': 'jetzt',
    'time.minutes': { one: '{n} Min.', other: '{n} Min.' },
};
