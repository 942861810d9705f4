/* files.js: the control by which files are attached: sizes, limits, and a word on what they reveal. */
import { el, on, visible } from '../dom.js';

const FILES_LIMIT = 64;
const FILES_BYTES = 50 << 20;
const SIZE_UNITS = [['MiB', 1 << 20], ['KiB', 1 << 10]];

/* "3.4 MiB" */
export function sizeText(view, bytes) {
  const unit = SIZE_UNITS.find(([, size]) => bytes >= size);
  if (!unit) return view.i18n.plural('form.bytes', bytes, { n: view.format.number(bytes) });
  return `${view.format.number(Math.round((10 * bytes) / unit[1]) / 10)}\u00a0${view.t(`form.${unit[0].toLowerCase()}`)}`;
}

export class FileField {
  constructor(view) {
    this.view = view;
    this.files = [];
    this.list = el('ul', { class: 'file-list' });
    this.total = el('p', { class: 'quiet', role: 'status' });
    this.error = el('p', { class: 'field-error', id: 'error-files', hidden: true });
    this.input = on(el('input', { type: 'file', id: 'f-files', multiple: true, 'aria-describedby': 'hint-files error-files' }), 'change', () => this.add());
    this.node = el('div', { class: 'form-field' },
      el('label', { for: 'f-files' }, view.t('attach.label'), el('span', { class: 'optional' }, ` ${view.t('form.optional')}`)),
      el('p', { class: 'hint', id: 'hint-files' }, view.t('attach.hint', { limit: sizeText(view, FILES_BYTES), count: view.format.number(FILES_LIMIT) })),
      this.error, this.input, this.list, this.total);
  }

  /* An empty file says nothing, and a folder looks like one. */
  add() {
    for (const file of [...this.input.files].filter(({ size }) => size > 0)) {
      const isSame = (other) => ['name', 'size', 'lastModified'].every((member) => other[member] === file[member]);
      if (!this.files.some(isSame)) this.files.push(file);
    }
    this.input.value = '';
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.files.map((file) => el('li', {},
      el('span', {}, visible(file.name), ' ', el('span', { class: 'quiet' }, sizeText(this.view, file.size))),
      on(el('button', { type: 'button', class: 'button button-small', 'aria-label': this.view.t('attach.remove', { name: file.name }) }, this.view.t('attach.remove-short')), 'click', () => this.remove(file)))));
    this.total.textContent = this.view.i18n.plural('attach.count', this.files.length, { n: this.view.format.number(this.files.length), size: sizeText(this.view, this.size()) });
  }

  remove(file) {
    this.files = this.files.filter((other) => other !== file);
    this.draw();
    this.input.focus();
  }

  size() {
    return this.files.reduce((sum, { size }) => sum + size, 0);
  }

  /* The problem with them, or undefined. */
  check() {
    const problem = this.size() > FILES_BYTES || this.files.length > FILES_LIMIT ? this.view.t('attach.too-much', { limit: sizeText(this.view, FILES_BYTES), count: FILES_LIMIT }) : undefined;
    this.error.textContent = problem ?? '';
    this.error.hidden = !problem;
    this.node.classList.toggle('has-error', !!problem);
    return problem;
  }
}
