/* statement.js: what a statement says, member by member, whatever its kind. */
import { code, el, visible } from '../dom.js';
import { predicateOf } from '../verify/predicates.js';

const HASH = /^[0-9a-f]{64}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const KEY_TEXT = /\+[0-9a-f]{8}\+|^x25519:/;
const DEEPEST = 12;

/* "assessment", or the type itself when it is not known here. */
export function kindOf(statement) {
  return predicateOf(statement.predicateType)?.name ?? statement.predicateType;
}

export function kindName(view, kind) {
  return view.i18n.has(`kind.${kind}`) ? view.t(`kind.${kind}`) : visible(kind);
}

function scalar(view, value) {
  if (value === null) return el('span', { class: 'quiet' }, view.t('nothing'));
  if (typeof value === 'boolean') return view.t(value ? 'yes' : 'no');
  if (typeof value === 'number') return view.format.number(value);
  if (HASH.test(value) || KEY_TEXT.test(value)) return code(value);
  if (MOMENT.test(value)) return el('time', { datetime: value }, view.format.time(value));
  return el('span', { dir: 'auto' }, visible(value));
}

/* A JSON value as lists of terms; deeper than people read it stays JSON. */
export function valueTree(view, value, depth = 0) {
  if (value === null || typeof value !== 'object') return scalar(view, value);
  if (depth === DEEPEST) return code(JSON.stringify(value));
  if (Array.isArray(value)) {
    return value.length ? el('ul', { class: 'value-list' }, value.map((item) => el('li', {}, valueTree(view, item, depth + 1)))) : scalar(view, null);
  }
  return el('dl', { class: 'value-tree' }, Object.entries(value).map(([name, member]) =>
    el('div', {}, el('dt', { translate: 'no' }, visible(name)), el('dd', {}, valueTree(view, member, depth + 1)))));
}
