/*
 * files.js: the control by which files are attached: sizes, limits, and what they reveal. Photographs
 * that hold more than a picture are named, and nothing is sent before it is said whether that stays:
 * it may be the evidence, or give away who sends it.
 */
import { el, on, visible } from '../dom.js';
import { notice } from '../ui/page.js';
import { JPEG_HEAD, heldBesides, isJpeg, pictureAlone } from './metadata.js';
import { REPORT_FILES_BYTES } from './event.js';

const FILES_LIMIT = 64;
const SIZE_UNITS = [['MiB', 1 << 20], ['KiB', 1 << 10]];

/* "3.4 MiB" */
export function sizeText(view, bytes) {
  const unit = SIZE_UNITS.find(([, size]) => bytes >= size);
  if (!unit) return view.i18n.plural('form.bytes', bytes, { n: view.format.number(bytes) });
  return `${view.format.number(Math.round((10 * bytes) / unit[1]) / 10)}\u00a0${view.t(`form.${unit[0].toLowerCase()}`)}`;
}

export class FileField {
  /* `announced`: bytes of files that the reporter sent after the report; null: this is the report. */
  constructor(view, announced = null) {
    this.view = view;
    this.limit = Math.max(0, REPORT_FILES_BYTES / 2 - announced);
    this.files = [];
    this.held = new Map(); /* file -> what it holds besides its picture, where that is something */
    this.kept = new Set(); /* files of these that are to stay as they are */
    this.reading = 0;
    this.list = el('ul', { class: 'file-list' });
    this.total = el('p', { class: 'quiet', role: 'status' });
    this.hidden = el('div', { class: 'file-hidden', role: 'status' });
    this.error = el('p', { class: 'field-error', id: 'error-files', hidden: true });
    this.input = on(el('input', { type: 'file', id: 'f-files', multiple: true, 'aria-describedby': 'hint-files error-files' }), 'change', () => this.add());
    this.node = el('div', { class: 'form-field' },
      el('label', { for: 'f-files' }, view.t('attach.label'), el('span', { class: 'optional' }, ` ${view.t('form.optional')}`)),
      el('p', { class: 'hint', id: 'hint-files' }, view.t(announced === null ? 'attach.hint' : 'attach.hint-later', { limit: sizeText(view, this.limit), all: sizeText(view, REPORT_FILES_BYTES), count: view.format.number(FILES_LIMIT) }), ' ', view.t('attach.as-is')),
      this.error, this.input, this.list, this.total, this.hidden);
  }

  /* An empty file says nothing, and a folder looks like one. */
  add() {
    for (const file of [...this.input.files].filter(({ size }) => size > 0)) {
      const isSame = (other) => ['name', 'size', 'lastModified'].every((member) => other[member] === file[member]);
      if (this.files.some(isSame)) continue;
      this.files.push(file);
      this.look(file);
    }
    this.input.value = '';
    this.draw();
  }

  /* What cannot be read now fails when it is sent; what is no photograph is not read whole. */
  async look(file) {
    this.isReading(1);
    const bytesOf = (part) => part.arrayBuffer().then((buffer) => new Uint8Array(buffer), () => new Uint8Array(0));
    const held = isJpeg(await bytesOf(file.slice(0, JPEG_HEAD))) ? heldBesides(await bytesOf(file)) : [];
    if (held.length) this.held.set(file, held);
    this.isReading(-1);
    this.draw();
  }

  isReading(change) {
    this.reading += change;
    this.node.setAttribute('aria-busy', String(this.reading > 0));
  }

  /* Those of which nobody has said yet whether they stay as they are. */
  undecided() {
    return this.files.filter((file) => this.held.has(file) && !this.kept.has(file));
  }

  /* Takes the place of each photograph by its picture alone; what is broken stays undecided. */
  async strip() {
    for (const file of this.undecided()) {
      const bytes = pictureAlone(new Uint8Array(await file.arrayBuffer()));
      if (!bytes) continue;
      const { name, type, lastModified } = file;
      this.files = this.files.map((other) => (other === file ? new File([bytes], name, { type, lastModified }) : other));
    }
    this.decided('attach.removed');
  }

  keep() {
    for (const file of this.undecided()) this.kept.add(file);
    this.decided('attach.kept');
  }

  decided(said) {
    this.draw();
    if (!this.undecided().length) this.hidden.replaceChildren(el('p', { tabindex: '-1' }, this.view.t(said)));
    this.hidden.firstElementChild.focus();
    this.check();
  }

  heldText(file) {
    return this.view.format.list(this.held.get(file).map((name) => this.view.t(`attach.holds.${name}`)));
  }

  drawHidden() {
    const { view } = this;
    const files = this.undecided();
    const canStrip = files.some((file) => !this.held.get(file).includes('unreadable'));
    const button = (key, listener) => on(el('button', { type: 'button', class: 'button button-small' }, view.t(key)), 'click', listener);
    const warning = files.length > 0 && notice('warn',
      el('p', {}, view.i18n.plural('attach.hold', files.length, { n: view.format.number(files.length) })),
      el('ul', { class: 'points' }, files.map((file) => el('li', {}, view.t('attach.holds', { name: visible(file.name), what: this.heldText(file) })))),
      el('p', {}, view.t('attach.hold-text')),
      el('p', { class: 'button-row' }, canStrip && button('attach.strip', () => this.strip()), button('attach.keep', () => this.keep())));
    if (warning) warning.tabIndex = -1;
    this.hidden.replaceChildren(...(warning ? [warning] : []));
  }

  draw() {
    this.list.replaceChildren(...this.files.map((file) => el('li', {},
      el('span', {}, visible(file.name), ' ', el('span', { class: 'quiet' }, sizeText(this.view, file.size))),
      on(el('button', { type: 'button', class: 'button button-small', 'aria-label': this.view.t('attach.remove', { name: file.name }) }, this.view.t('attach.remove-short')), 'click', () => this.remove(file)))));
    this.total.textContent = this.view.i18n.plural('attach.count', this.files.length, { n: this.view.format.number(this.files.length), size: sizeText(this.view, this.size()) });
    this.drawHidden();
  }

  remove(file) {
    this.files = this.files.filter((other) => other !== file);
    this.draw();
    this.input.focus();
  }

  size() {
    return this.files.reduce((sum, { size }) => sum + size, 0);
  }

  problem() {
    const { view } = this;
    if (this.size() > this.limit || this.files.length > FILES_LIMIT) return view.t('attach.too-much', { limit: sizeText(view, this.limit), count: FILES_LIMIT });
    if (this.reading) return view.t('attach.reading');
    return this.undecided().length ? view.t('attach.undecided') : undefined;
  }

  /* The problem with them, or undefined. */
  check() {
    const problem = this.problem();
    this.error.textContent = problem ?? '';
    this.error.hidden = !problem;
    this.node.classList.toggle('has-error', !!problem);
    return problem;
  }
}
