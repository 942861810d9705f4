/* copy.js: text with a button that copies it, and says that it did. */
import { code, el, on } from '../dom.js';

const SAID_FOR_MS = 2000;

/* Selects the node, so that the reader can copy where the clipboard is refused. */
function selectText(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown) selectText(shown);
    return false;
  }
}

export function copyButton(view, text, shown, what) {
  const label = view.i18n.t('copy.button');
  const word = el('span', {}, label);
  const button = el('button', { type: 'button', class: 'button button-small', 'aria-label': `${label}${view.i18n.t('colon')}${what}` }, word);
  return on(button, 'click', async () => {
    const done = await copyText(text, shown);
    word.textContent = view.i18n.t(done ? 'copy.done' : 'copy.selected');
    view.announce(word.textContent);
    setTimeout(() => { word.textContent = label; }, SAID_FOR_MS);
  });
}

/* A command line to copy. */
export function commandLine(view, command, what) {
  const shown = code(command);
  return el('div', { class: 'command' }, shown, copyButton(view, command, shown, what));
}
