/* data.js: the document inside a report file, as it was signed. */

/* The program wrote <, >, &, U+2028 and U+2029 as escapes; this gives the signed bytes back. */
export function exactBytes(text) {
  return text.replace(/\\(\\|u(003c|003e|0026|2028|2029))/g,
    (whole, escaped, hex) => (hex ? String.fromCharCode(parseInt(hex, 16)) : whole));
}

export async function unpackText(base64) {
  const binary = atob(base64);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}

/* The document that a report's HTML holds: {text, sha256 (as the file says)}; null: no report. */
export async function reportData(html) {
  const found = /<script type="[^"]*" id="data" data-encoding="([^"]*)" data-sha256="([^"]*)">([^<]*)</.exec(html);
  if (!found) return null;
  const [, encoding, sha256, data] = found;
  return { text: encoding === 'gzip' ? await unpackText(data) : exactBytes(data), sha256 };
}
