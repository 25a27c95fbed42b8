/*
 * The input of messages. It grows with the text, stores a draft for each
 * thread, sends on Enter (but not while an input method composes, nor on a
 * touch keyboard), and counts down near the limit.
 */

import { cleanText, codePoints } from '../core/format.js';
import { attr, fill, h, icon } from './dom.js';

const MOST = 4000;
const COUNT_FROM = 200;


export class Composer {
    /*
     * drafts: {get(property), set(property, text), on(fn)}; fn(property) is
     * called when another tab has changed a draft. onSend(text).
     */
    constructor({ t, drafts, touch, onSend, onPhoto }) {
        this.onPhoto = onPhoto;
        this.touch = touch;
        this.t = t;
        this.drafts = drafts;
        this.onSend = onSend;
        this.property = null;

        this.input = h('textarea', {
            id: 'll-text', class: 'll-input', rows: 1, dir: 'auto',
            enterkeyhint: touch ? 'enter' : 'send', autocomplete: 'off',
            placeholder: t('compose.label'),
            'aria-describedby': 'll-hint ll-count',
            oninput: () => this.#changed(),
            onkeydown: (e) => this.#key(e),
            onpaste: (e) => this.#paste(e),
        });
        this.count = h('p', { id: 'll-count', class: 'll-count' });
        this.button = h('button', {
            class: 'll-send', type: 'submit', title: t('compose.send'),
        }, icon('send'), h('span', { class: 'll-spoken' },
                           t('compose.send')));
        this.form = h('form', {
            class: 'll-compose',
            onsubmit: (e) => {
                e.preventDefault();
                this.#send();
            },
        },
            h('label', { for: 'll-text', class: 'll-spoken' },
              t('compose.label')),
            this.input,
            this.button,
            h('p', { id: 'll-hint', class: 'll-spoken' },
              touch ? '' : t('compose.hint')),
            this.count);
        this.sentence = h('p', { class: 'll-closed', hidden: true });
        this.element = h('div', { class: 'll-foot' }, this.form,
                         this.sentence);
        drafts.on((changed) => {
            if (changed === this.property) {
                this.open(changed);
            }
        });
    }

    /* Shows another thread's draft. */
    open(property) {
        this.property = property;
        this.input.value = this.drafts.get(property);
        this.#changed(false);
    }

    /* Puts a refused text back, before what is written now. */
    giveBack(text) {
        const { value } = this.input;

        this.input.value = value.trim() === '' || value === text ? text
                           : `${text}\n${value}`;
        this.#changed();
    }

    /* Shows a sentence instead of the form, or the form for null. */
    closed(sentence) {
        if (sentence !== null && this.form.contains(document.activeElement)) {
            this.input.blur();
        }

        this.form.hidden = sentence !== null;
        this.sentence.hidden = sentence === null;

        if (this.sentence.textContent !== (sentence || '')) {
            fill(this.sentence, sentence || '');
        }
    }

    focus() {
        if (!this.form.hidden) {
            this.input.focus({ preventScroll: true });
        }
    }

    #key(event) {
        /* a touch keyboard has no Shift, and the page has a button */
        const asked = event.ctrlKey || event.metaKey
            || (!event.shiftKey && !event.altKey && !this.touch);

        if (event.key === 'Enter' && asked && !event.isComposing
            && event.keyCode !== 229)
        {
            event.preventDefault();
            this.#send();
        }
    }

    #paste(event) {
        const { files, types } = event.clipboardData;

        if (files.length && !types.includes('text/plain')) {
            event.preventDefault();
            this.onPhoto();
        }
    }

    /* Puts a quotation before what is written now. */
    quote(text) {
        const lines = text.split('\n').map((line) => `> ${line}`);

        this.input.value = `${lines.join('\n')}\n${this.input.value}`;
        this.#changed();
        this.focus();
        this.input.setSelectionRange(this.input.value.length,
                                     this.input.value.length);
    }

    #send() {
        const text = cleanText(this.input.value);

        if (text === '' || codePoints(text) > MOST) {
            this.input.focus();
            return;
        }

        this.input.value = '';
        this.#changed();
        this.onSend(text);
        this.input.focus({ preventScroll: true });
    }

    #changed(keep = true) {
        const { value } = this.input;
        const text = cleanText(value);
        const left = MOST - codePoints(text);

        if (keep && this.property !== null) {
            this.drafts.set(this.property, value);
        }

        attr(this.button, 'aria-disabled',
             text === '' || left < 0 ? 'true' : null);
        attr(this.input, 'aria-invalid', left < 0 ? 'true' : null);

        const words = left >= COUNT_FROM ? ''
            : this.t(left < 0 ? 'compose.over' : 'compose.left',
                     { n: Math.abs(left) });

        if (this.count.textContent !== words) {
            fill(this.count, words);
        }

        this.#grow();
    }

    #grow() {
        const { style, value } = this.input;

        style.height = '';

        /* reading a size forces a layout */
        if (value !== '') {
            style.height = `${this.input.scrollHeight + 2}px`;
        }
    }
}
