/* standalone.js: the entry of the report file: its document and catalogues stand in the file. */
import { render } from './report.js';
import { readState } from './url.js';

/* The program wrote <, >, &, U+2028 and U+2029 as escapes; this gives the signed bytes back. */
function exactBytes(text) {
  return text.replace(/\\(\\|u(003c|003e|0026|2028|2029))/g,
    (whole, escaped, hex) => (hex ? String.fromCharCode(parseInt(hex, 16)) : whole));
}

async function unpack(base64) {
  const binary = atob(base64);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}

async function readDocument(node) {
  if (node.dataset.encoding !== 'gzip') return { text: node.textContent, raw: () => exactBytes(node.textContent) };
  const text = await unpack(node.textContent);
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
