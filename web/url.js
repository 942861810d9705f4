/* url.js: what the reader chose, kept in the address so that it can be sent and gone back to. */

const STATE_KEYS = ['q', 'principle', 'severity', 'outcome', 'lang'];

export function readState() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(STATE_KEYS.map((key) => [key, query.get(key) ?? '']));
}

/* The query of `state`: "?…", or "?" when nothing is chosen. */
export function stateQuery(state) {
  const query = new URLSearchParams();
  for (const key of STATE_KEYS) if (state[key]) query.set(key, state[key]);
  return `?${query}`;
}

/* Without a new history entry for each letter typed; a page that may not write its address is fine. */
export function writeState(state) {
  const query = stateQuery(state);
  try {
    history.replaceState(null, '', (query === '?' ? location.pathname : query) + location.hash);
  } catch {
    /* a sandboxed preview: the choice lives in the page alone */
  }
}

/* The measure that the address points to ("#m-ID"), or an empty string. */
export function linkedMeasure() {
  try {
    const anchor = decodeURIComponent(location.hash.slice(1));
    return anchor.startsWith('m-') ? anchor.slice(2) : '';
  } catch {
    return '';
  }
}
