/* dropzone.js: a labelled field for files, onto which they may be dropped as well. */
import { el, on } from '../dom.js';

/* `take(files)` gets [{name, bytes}]. */
export function dropZone(view, { id, label, hint, multiple, accept }, take) {
  const field = el('input', { type: 'file', id, multiple, accept, 'aria-describedby': `${id}-hint` });
  const zone = el('div', { class: 'drop-zone' }, el('label', { for: id }, label), el('p', { class: 'quiet', id: `${id}-hint` }, hint), field);
  const read = async (files) => take(await Promise.all([...files].map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }))));
  on(field, 'change', () => read(field.files));
  on(zone, 'dragover', (event) => {
    event.preventDefault();
    zone.classList.add('is-over');
  });
  on(zone, 'dragleave', () => zone.classList.remove('is-over'));
  on(zone, 'drop', (event) => {
    event.preventDefault();
    zone.classList.remove('is-over');
    read(event.dataTransfer.files);
  });
  return zone;
}
