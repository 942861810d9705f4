/*
 * fields.js: the fields of a kind of case (/api/v1/kinds) as parts of a form. A field has a label,
 * perhaps a hint, its error above the control, and gives a JSON value of its type or undefined.
 */
import { el } from '../dom.js';
import { utf8Bytes } from '../verify/bytes.js';

const TEXT_ROWS = 6;
const MANY_CHOICES = 8;
const LARGEST_NUMBER = 2 ** 53;
const LETTERS_OF_CODES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LANGUAGE_TAG = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

/* What people typed, as JSON takes it: no NUL, no half characters, no spaces around. */
const cleanText = (text) => text.toWellFormed().replaceAll('\0', '').trim();

function describedBy(field) {
  return [field.hint && `hint-${field.id}`, `error-${field.id}`].filter(Boolean).join(' ');
}

function makeInput(field, attributes) {
  return el('input', { id: `f-${field.id}`, name: field.id, type: 'text', autocomplete: 'off', 'aria-describedby': describedBy(field), ...attributes });
}

function makeTextArea(field) {
  return el('textarea', { id: `f-${field.id}`, name: field.id, rows: TEXT_ROWS, autocomplete: 'off', 'aria-describedby': describedBy(field) });
}

function makeOption(field, { id, text }, at, type) {
  const own = at ? `f-${field.id}-${id}` : `f-${field.id}`;
  return el('div', { class: 'option' },
    el('input', { type, id: own, name: field.id, value: id, autocomplete: 'off' }), el('label', { for: own, lang: text.lang }, text.text));
}

function makeSelect(field, options) {
  return el('select', { id: `f-${field.id}`, name: field.id, autocomplete: 'off', 'aria-describedby': describedBy(field) },
    el('option', { value: '' }, ''), options.map(({ id, text }) => el('option', { value: id, lang: text.lang }, text.text)));
}

/* The codes that the browser has a name for; some of them are no countries and are left out. */
function countryOptions(view) {
  const names = new Intl.DisplayNames([view.i18n.language], { type: 'region', fallback: 'none' });
  const codes = [...LETTERS_OF_CODES].flatMap((first) => [...LETTERS_OF_CODES].map((second) => first + second));
  return codes.filter((code) => !['EU', 'EZ', 'UN', 'XA', 'XB', 'QO', 'ZZ'].includes(code) && names.of(code))
    .map((code) => ({ id: code, text: { text: names.of(code) } }))
    .sort((left, right) => view.format.collator.compare(left.text.text, right.text.text));
}

const yesNo = (view) => ['yes', 'no'].map((id) => ({ id, text: { text: view.t(`form.${id}`) } }));

/*
 * Types of fields: `control(field, view)` makes the node, or `options(field, view)` a group of
 * `group` buttons; `value(text)` reads what stands in it, and gives null for what is no value.
 */
const FIELD_TYPES = {
  text: { control: makeTextArea },
  line: { control: (field) => makeInput(field) },
  choice: { group: 'radio', options: (field) => field.choices },
  choices: { group: 'checkbox', options: (field) => field.choices },
  'yes-no': { group: 'radio', options: (field, view) => yesNo(view), value: (text) => text === 'yes' },
  number: {
    control: (field) => makeInput(field, { inputmode: 'numeric' }),
    value: (text) => (/^[0-9]+$/.test(text.replace(/[\s.,]/g, '')) && Number(text.replace(/[\s.,]/g, '')) < LARGEST_NUMBER
      ? Number(text.replace(/[\s.,]/g, '')) : null),
  },
  time: {
    control: (field) => makeInput(field, { type: 'datetime-local' }),
    value: (text) => (Number.isNaN(Date.parse(text)) ? null : `${new Date(text).toISOString().slice(0, 19)}Z`),
  },
  date: { control: (field) => makeInput(field, { type: 'date' }) },
  country: { control: (field, view) => makeSelect(field, countryOptions(view)) },
  languages: {
    control: (field) => makeInput(field),
    value: (text) => {
      const tags = [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
      return tags.every((tag) => LANGUAGE_TAG.test(tag)) ? tags : null;
    },
  },
  uri: { control: (field) => makeInput(field, { type: 'url', inputmode: 'url' }), value: (text) => (URL.canParse(text) ? text : null) },
};

export class FormField {
  /* `row` of the kind's fields; `required`: without it nothing is sent. */
  constructor(view, row, required) {
    this.view = view;
    this.id = row.id;
    this.required = required;
    this.limit = row.limit;
    this.type = FIELD_TYPES[row.type] ?? FIELD_TYPES.line;
    this.title = view.i18n.pick(row.title);
    this.error = el('p', { class: 'field-error', id: `error-${row.id}`, hidden: true });
    this.node = this.draw({ ...row, hint: row.hint && view.i18n.pick(row.hint), choices: (row.choices ?? []).map(({ id, text }) => ({ id, text: view.i18n.pick(text) })) });
  }

  /* What stands above the control: the optional ones say so, because most are asked for. */
  label() {
    return [el('span', { lang: this.title.lang }, this.title.text), !this.required && el('span', { class: 'optional' }, ` ${this.view.t('form.optional')}`)];
  }

  draw(field) {
    const hint = field.hint && el('p', { class: 'hint', id: `hint-${field.id}`, lang: field.hint.lang }, field.hint.text);
    const { control, group, options } = this.type;
    if (group && options(field, this.view).length <= MANY_CHOICES || group === 'checkbox') {
      return el('fieldset', { class: 'form-field', 'aria-describedby': describedBy(field) },
        el('legend', {}, this.label()), hint, this.error,
        el('div', { class: 'options' }, options(field, this.view).map((option, at) => makeOption(field, option, at, group))));
    }
    return el('div', { class: 'form-field' },
      el('label', { for: `f-${field.id}` }, this.label()), hint, this.error,
      group ? makeSelect(field, options(field, this.view)) : control(field, this.view));
  }

  /* What stands in it before anybody wrote. */
  fill(text) {
    this.node.querySelector('input, select, textarea').value = text;
  }

  texts() {
    return [...this.node.querySelectorAll('input, select, textarea')]
      .filter((control) => !/^(radio|checkbox)$/.test(control.type) || control.checked)
      .map((control) => cleanText(control.value)).filter(Boolean);
  }

  /* A date without its year is empty to the script, and is not to the one who wrote it. */
  isHalfWritten() {
    return [...this.node.querySelectorAll('input')].some((control) => control.validity.badInput);
  }

  /* {value} (undefined when it is empty), or {problem}: a text. */
  read() {
    const texts = this.texts();
    if (this.isHalfWritten()) return { problem: this.view.t('form.malformed', { field: this.title.text }) };
    if (!texts.length) return this.required ? { problem: this.view.t('form.missing', { field: this.title.text }) } : {};
    const value = this.type.group === 'checkbox' ? texts : this.type.value ? this.type.value(texts[0]) : texts[0];
    if (value === null) return { problem: this.view.t('form.malformed', { field: this.title.text }) };
    if (this.limit && typeof value === 'string' && utf8Bytes(value).length > this.limit) {
      return { problem: this.view.t('form.too-long', { field: this.title.text, limit: this.view.format.number(this.limit) }) };
    }
    return { value };
  }

  showProblem(problem) {
    this.error.textContent = problem ?? '';
    this.error.hidden = !problem;
    this.node.classList.toggle('has-error', !!problem);
    const control = this.node.querySelector('input, select, textarea');
    if (problem) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  }
}

/* Reads all fields: {values, errors: [{id, text}]}, and shows each problem at its field. */
export function readFields(fields) {
  const values = {};
  const errors = [];
  for (const field of fields) {
    const { value, problem } = field.read();
    field.showProblem(problem);
    if (problem) errors.push({ id: `f-${field.id}`, text: problem });
    else if (value !== undefined) values[field.id] = value;
  }
  return { values, errors };
}
