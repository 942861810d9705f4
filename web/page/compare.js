/* compare.js: up to four signatories side by side. No sum, no rank; what is not there is not zero. */
import { el, on, visible } from '../dom.js';
import { dotKey, dotRow } from '../chart/dots.js';
import { card, notice, pageHead } from '../ui/page.js';
import { freshnessMark, groupText, nameText, principleName, signatoryLink, standingText } from '../ui/register.js';
import { dataTable } from '../ui/table.js';

const PLACES = ['a', 'b', 'c', 'd'];
const SUGGESTIONS = 8;

/* What stands at each place of the address: {place, who, signatory} or {place, who, problem}. */
async function readChosen(view) {
  const asked = PLACES.map((place) => ({ place, who: (view.query.get(place) ?? '').trim() })).filter(({ who }) => who);
  return Promise.all(asked.map(async (row) => {
    try {
      return { ...row, signatory: await view.api(`/api/v1/signatories/${encodeURIComponent(row.who)}`) };
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      return { ...row, problem };
    }
  }));
}

function bandOf(signatory, n) {
  return signatory.assessment?.principles.find((principle) => principle.n === n && typeof principle.band === 'number') ?? null;
}

function evidenceCell(view, signatory, n) {
  const mark = bandOf(signatory, n);
  if (!mark) return el('span', { class: 'no-evidence' }, view.t('compare.no-evidence'));
  return [el('span', { class: 'compare-band' }, view.t('band.of', { n: mark.band })),
    el('span', { class: 'under' }, view.t('compare.coverage', { n: view.format.number(mark.coverage ?? 0) }), ' · ', view.format.ago(signatory.assessment.age_s))];
}

function legendOf(view, chosen) {
  return el('ul', { class: 'compare-legend' }, chosen.map(({ signatory, place }, index) => el('li', {}, dotKey(index), signatoryLink(view, signatory),
    el('a', { class: 'remove', href: view.here({ [place]: null }) }, view.t('compare.remove'), el('span', { class: 'hidden-text' }, ` ${visible(signatory.name)}`)))));
}

function compareTable(view, chosen, names) {
  const head = [{ label: view.t('column.principle') }, ...chosen.map(({ signatory }, index) => ({ label: [dotKey(index), nameText(signatory.name)], class: 'compare-column' })),
  { label: view.t('compare.bands'), class: 'dots-cell' }];
  const facts = [
    ['column.group', (signatory) => groupText(view, signatory.group)],
    ['column.standing', (signatory) => standingText(view, signatory.attested)],
    ['column.evidence', (signatory) => freshnessMark(view, signatory.freshness)],
    ['signatory.review', (signatory) => (signatory.assessment ? view.t(`review.${signatory.assessment.status}`) : '—')],
  ].map(([key, cell]) => [view.t(key), ...chosen.map(({ signatory }) => cell(signatory)), '']);
  const rows = names.map((principle) => [el('span', { class: 'principle-cell' }, principleName(view, principle)),
    ...chosen.map(({ signatory }) => evidenceCell(view, signatory, principle.n)), dotRow(chosen.map(({ signatory }) => bandOf(signatory, principle.n)))]);
  return dataTable(view, view.t('compare.table'), head, [...rows, ...facts], { class: 'compare', hideCaption: true });
}

/* Asks the register while somebody types; the list only helps, any domain or id may be sent. */
function suggest(view, input, list) {
  let asked = 0;
  on(input, 'input', async () => {
    asked += 1;
    const mine = asked;
    const found = await view.api(`/api/v1/signatories?limit=${SUGGESTIONS}&q=${encodeURIComponent(input.value)}`).catch(() => null);
    if (found && mine === asked) list.replaceChildren(...found.signatories.map((row) => el('option', { value: row.domain }, visible(row.name))));
  });
}

function addForm(view, chosen) {
  const free = PLACES.find((place) => !chosen.some((row) => row.place === place));
  if (!free) return el('p', { class: 'quiet' }, view.t('compare.full'));
  const list = el('datalist', { id: 'add-list' });
  const input = el('input', { id: 'add', name: 'add', autocomplete: 'off', spellcheck: 'false', list: 'add-list', required: true, 'aria-describedby': 'add-hint' });
  suggest(view, input, list);
  const form = el('form', { class: 'search' }, el('label', { for: 'add' }, view.t('compare.add-label')),
    el('p', { id: 'add-hint', class: 'quiet' }, view.t('compare.add-hint')),
    el('div', { class: 'search-row' }, input, list, el('button', { type: 'submit', class: 'button button-primary' }, view.t('compare.add'))));
  return on(form, 'submit', (event) => {
    event.preventDefault();
    location.assign(view.here({ [free]: input.value.trim() }));
  });
}

export async function pageCompare(main, view) {
  const [summary, rows] = await Promise.all([view.api('/api/v1/summary'), readChosen(view)]);
  const chosen = rows.filter((row) => row.signatory);
  const lost = rows.filter((row) => row.problem);
  if (chosen.length > 0) view.title(view.t('compare.of', { names: view.format.list(chosen.map(({ signatory }) => visible(signatory.name))) }));
  main.append(pageHead(view, view.t('page.compare.title'), view.t('compare.lead')),
    ...lost.map((row) => notice('warn', el('p', {}, view.t('compare.lost', { who: visible(row.who) }), ' ', el('a', { href: view.here({ [row.place]: null }) }, view.t('compare.remove'))))),
    ...(chosen.length > 0 ? [card('compared', view.i18n.plural('compare.count', chosen.length, { n: view.format.number(chosen.length) }),
      legendOf(view, chosen), compareTable(view, chosen, summary.principles), el('p', { class: 'quiet' }, view.t('compare.note')))] : []),
    card('more', view.t('compare.choose'), addForm(view, rows)));
}
