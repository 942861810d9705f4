/* view.js: an assessment that somebody has as a file, shown as its report; nothing is sent. */
import { el, visible } from '../dom.js';
import { reportData } from '../data.js';
import { render } from '../report.js';
import { fetchJson } from '../ui/api.js';
import { dropZone } from '../ui/dropzone.js';
import { card, notice, pageHead } from '../ui/page.js';
import { LANGUAGES } from '../i18n.js';
import { sha256Hex, utf8Bytes, utf8Text } from '../verify/bytes.js';

const REPORT_SCHEMA = /^entente\/assessment\//;

/* The document of a JSON file or inside a report. */
async function documentOf(bytes) {
  const text = utf8Text(bytes) ?? '';
  const report = await reportData(text);
  const own = report ? report.text : text;
  try {
    const data = JSON.parse(own);
    return REPORT_SCHEMA.test(data?.schema ?? '') ? { data, text: own } : null;
  } catch {
    return null;
  }
}

async function reportCatalogues() {
  const { base } = document.documentElement.dataset;
  const names = Object.keys(LANGUAGES);
  const texts = await Promise.all(names.map((name) => fetchJson(`${base}i18n/${name}.json`)));
  return Object.fromEntries(names.map((name, at) => [name, texts[at]]));
}

export async function pageView(main, view) {
  const said = el('div', { 'aria-live': 'polite' });
  const take = async ([file]) => {
    if (!file) return;
    const found = await documentOf(file.bytes);
    if (!found) {
      said.replaceChildren(notice('warn', el('p', {}, view.t('view.unreadable', { name: visible(file.name) }))));
      return;
    }
    const sha256 = globalThis.crypto?.subtle ? await sha256Hex(utf8Bytes(found.text)) : undefined;
    render(document.getElementById('portal'), found.data, { catalogues: await reportCatalogues(), locale: view.i18n.language, state: {}, sha256, raw: () => found.text });
    document.querySelector('h1').focus();
  };
  main.append(pageHead(view, view.t('view.heading'), view.t('view.lead')),
    card('drop', view.t('view.title'), dropZone(view, { id: 'file', label: view.t('view.label'), hint: view.t('view.hint'), accept: '.json,.html' }, take), said));
}
