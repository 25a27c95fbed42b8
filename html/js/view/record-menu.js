/* The menu of a thread's record: as a file, on paper, and to verify one. */

import { translator } from '../core/i18n.js';
import { fill, h, icon, spoken } from './dom.js';


/* The menu, with its words, loaded with it: {element, draw(property)}. */
export async function loadRecordMenu({ language }) {
    const words = await import(`../strings/print-${language}.js`);
    const t = translator(language, words.default);
    const panel = h('div', { class: 'll-panel', hidden: true });
    const element = h('details', { class: 'll-record', ontoggle: () => {
        panel.hidden = !element.open;
    } },
        h('summary', { class: 'll-button', title: t('record.menu') },
          icon('more'), spoken(t('record.menu'))),
        panel);
    const item = (key, props) => h('li', {}, h('a', props, t(key)));
    const away = { target: '_blank', rel: 'noopener' };

    const draw = (property) => fill(panel,
        h('ul', {},
          item('record.save', { href: `/api/properties/${property}/record`,
                                download: '' }),
          item('record.print', { href: `print.html?p=${property}`, ...away }),
          item('record.verify', { href: 'verify.html', ...away })),
        h('p', { class: 'll-dim' }, t('record.what')));

    return { element, draw };
}
