/*
 * dom.js: the only file that makes nodes. Text from outside only ever becomes a text node; links
 * lead to http, https or an anchor, or are no links. The page forbids everything else by its
 * Content-Security-Policy and Trusted Types.
 */

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';
const REFUSED_ATTRIBUTE = /^(on|style$|srcdoc$|src$|action$|formaction$|xlink:)/;
/* Controls and marks that change how the text around them reads. */
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/* `href` when it is safe to follow, else undefined. */
export function safeHref(href) {
  if (typeof href !== 'string') return undefined;
  if (/^[#?]/.test(href)) return href;
  try {
    const url = new URL(href);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (REFUSED_ATTRIBUTE.test(name)) throw new TypeError(`attribute ${name} is not for this page`);
    if (name === 'href') {
      const href = safeHref(value);
      if (href !== undefined) node.setAttribute('href', href);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

/* An element; children are nodes, texts, or nothing (null, undefined, false). */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  setAttributes(node, attributes);
  node.append(...children.flat());
  return node;
}

/* Listens and gives the node back. */
export function on(node, type, listener) {
  node.addEventListener(type, listener);
  return node;
}

/* Text with its invisible characters written out: an override of direction cannot hide there. */
export function visible(text) {
  return String(text).replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    return `\u27e8U+${code}\u27e9`;
  });
}

/* The one markup of our texts: `code` between backticks. */
export function prose(text) {
  return String(text).split('`').map((part, index, parts) => {
    if (index % 2 === 1 && index < parts.length - 1) return code(part);
    return index % 2 === 1 ? `\`${visible(part)}` : visible(part);
  });
}

/* What was read from a machine: never translated, its own direction. */
export function code(text) {
  return el('code', { translate: 'no', dir: 'ltr' }, visible(text));
}

/* Text only for those who hear the page. */
export function hidden(text) {
  return el('span', { class: 'hidden-text' }, text);
}

/* Saves `bytes` (a Blob) as a file named `name`. */
export function download(name, blob) {
  const address = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
