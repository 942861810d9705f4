/*
 * verification.js: how a verification stands, and its steps with what each was computed from. A
 * state is a mark, a word and a colour; only what this browser computed itself is ever green.
 */
import { code, el, visible } from '../dom.js';
import { statusMark } from './status.js';

const LOOKS = {
  ok: 'pass',
  verified: 'pass',
  warning: 'warn',
  stale: 'warn',
  unwitnessed: 'warn',
  disputed: 'warn',
  past: 'warn',
  draw: 'warn',
  failed: 'fail',
  unknown: 'error',
  cannot: 'error',
  pending: 'not-measured',
  skipped: 'not-applicable',
};
const SECONDS_OF_HOUR = 3600;

/* The word for a state, or for that of a step ("step-state"). */
export function stateBadge(view, state, prefix = 'verdict') {
  const look = LOOKS[state] ?? 'error';
  return el('span', { class: `status status-${look}` }, statusMark(look), view.t(`${prefix}.${state}`));
}

/* Why this page can verify nothing at all. */
export function cannotReason(view) {
  return view.t(globalThis.isSecureContext ? 'cannot.browser' : 'cannot.insecure');
}

/* The verdict for the line over a page, with a link to how it came about. */
export function verdictClaim(view, state) {
  return el('p', { class: 'verdict' }, stateBadge(view, state), ' ', el('a', { href: '#check' }, view.t('verdict.how')));
}

/* The verdict in one line with its sentence. */
export function verdictLine(view, state) {
  const text = state === 'cannot' ? cannotReason(view) : view.t(`verdict.${state}.text`);
  return el('p', { class: 'verdict' }, stateBadge(view, state), ' ', text);
}

export function timeOf(view, seconds) {
  const iso = new Date(Number(seconds) * 1000).toISOString();
  return el('time', { datetime: iso }, view.format.time(iso));
}

function ageOf(view, seconds) {
  const hours = Math.max(0, Math.floor((Date.now() / 1000 - Number(seconds)) / SECONDS_OF_HOUR));
  if (!hours) return view.t('hours-ago.none');
  return view.i18n.plural('hours-ago', hours, { n: view.format.number(hours) });
}

function listOf(items) {
  return el('ul', { class: 'hash-list' }, items.map((item) => el('li', {}, item)));
}

/* A group's margin in words: has 2 of the 1 it needs, youngest 3 hours ago; who did not sign. */
function marginText(view, { needed, have, members, youngest, missing }) {
  const number = (value) => view.format.number(value);
  return [
    view.t('margin.have', { have: number(have), needed: number(needed), members: number(members) }),
    youngest ? view.t('margin.youngest', { age: ageOf(view, youngest) }) : '',
    missing.length ? view.t('margin.missing', { names: view.format.list(missing.map(visible)) }) : '',
  ].filter(Boolean).join(' ');
}

const SHOWN = {
  hash: (view, value) => code(value),
  code: (view, value) => code(value),
  number: (view, value) => view.format.number(value),
  time: timeOf,
  duration: (view, value) => view.i18n.plural('hours', Math.round(Number(value) / SECONDS_OF_HOUR), { n: view.format.number(Math.round(Number(value) / SECONDS_OF_HOUR)) }),
  list: (view, value) => (value.length ? listOf(value.map((item) => code(item))) : view.t('nothing')),
  group: (view, { needed, members }) => view.t('group.needs', { needed: view.format.number(needed), members: view.format.number(members.length), names: members.length ? view.format.list(members.map(visible)) : view.t('nothing') }),
  margin: marginText,
  cosignature: (view, { name, time }) => el('span', {}, code(name), ' ', timeOf(view, time)),
  word: (view, value) => view.t(`standing-why.${value}`),
  text: (view, value) => visible(value),
};

function labelOf(view, name) {
  return view.i18n.has(`input.${name}`) ? view.t(`input.${name}`) : view.i18n.has(name) ? view.t(name) : visible(name.replace(/^group\./, ''));
}

function inputsOf(view, inputs) {
  return el('dl', { class: 'summary-list step-inputs' }, inputs.map(({ name, value, kind }) =>
    el('div', {}, el('dt', {}, labelOf(view, name)), el('dd', {}, (SHOWN[kind] ?? SHOWN.text)(view, value)))));
}

function stepText(view, { id, state, reason }) {
  if (!reason || state === 'ok') return view.t(`step.${id}.text`);
  return view.i18n.has(`fault.${reason}`) ? view.t(`fault.${reason}`) : visible(reason);
}

/* The steps as a list that is kept up to date: {node, update(steps)}. */
export function stepList(view) {
  const node = el('ol', { class: 'steps' });
  const drawn = new Map();
  const draw = (step) => el('li', { class: `step step-${step.state}`, 'data-step': step.id },
    el('div', { class: 'step-head' }, el('h3', {}, view.t(`step.${step.id}.title`)), stateBadge(view, step.state, 'step-state')),
    el('p', {}, stepText(view, step)),
    step.inputs.length > 0 && el('details', { open: step.state === 'failed' }, el('summary', {}, view.t('step.inputs')), inputsOf(view, step.inputs)));
  const update = (steps) => {
    for (const step of steps.list) {
      const key = `${step.state} ${step.reason} ${step.inputs.length}`;
      const before = drawn.get(step.id);
      if (before?.key === key) continue;
      const item = draw(step);
      if (before) before.item.replaceWith(item);
      else node.append(item);
      drawn.set(step.id, { key, item });
    }
  };
  return { node, update };
}

/*
 * Runs a verification and shows it: `run({onChange, onProgress})` gives what verify.js gives. The
 * node has the verdict, the steps, and a button where more than a browser reads at once is left.
 */
export function verificationPart(view, run, { onDone = () => {}, open = true } = {}) {
  const head = el('div', {}, verdictLine(view, 'pending'));
  const progress = el('p', { class: 'quiet' });
  const list = stepList(view);
  const more = el('div', {});
  const start = async (everything) => {
    more.replaceChildren();
    const found = await run({
      everything,
      onChange: list.update,
      onProgress: (done, total) => { progress.textContent = view.t('progress', { done: view.format.number(done), total: view.format.number(total) }); },
    });
    progress.textContent = '';
    if (found.steps) list.update(found.steps);
    head.replaceChildren(verdictLine(view, found.state));
    if (found.steps?.list.some(({ reason }) => reason === 'too-large')) {
      const button = el('button', { type: 'button', class: 'button' }, view.t('read-everything'));
      button.addEventListener('click', () => start(true));
      more.replaceChildren(button);
    }
    view.announce(view.t(`verdict.${found.state}`));
    onDone(found);
    return found;
  };
  const show = (found) => {
    list.update(found.steps);
    head.replaceChildren(verdictLine(view, found.state));
  };
  const steps = el('details', { class: 'steps-part', open }, el('summary', {}, view.t('steps.title')), list.node);
  return { node: el('div', { class: 'verification' }, head, progress, more, steps), show, start: () => start(false) };
}
