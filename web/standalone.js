/* standalone.js: the entry of the report file: its document and catalogues stand in the file. */
import { exactBytes, unpackText } from './data.js';
import { render } from './report.js';
import { readState } from './url.js';

async function readDocument(node) {
  if (node.dataset.encoding !== 'gzip') return { text: node.textContent, raw: () => exactBytes(node.textContent) };
  const text = await unpackText(node.textContent);
  return { text, raw: () => text };
}

async function start() {
  const node = document.getElementById('data');
  const catalogues = JSON.parse(document.getElementById('catalogues').textContent);
  const state = readState();
  const { text, raw } = await readDocument(node);
  render(document.getElementById('report'), JSON.parse(text), {
    catalogues,
    state,
    raw,
    locale: state.lang || document.documentElement.lang,
    sha256: node.dataset.sha256,
  });
}

start();
