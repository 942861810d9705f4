/*
 * json.js: JSON read strictly, as the program does (no member twice, no lone surrogate, no NUL, at
 * most 64 levels), and its canonical form (RFC 8785).
 */
import { utf8Bytes, utf8Text } from './bytes.js';

const JSON_DEPTH = 64;
const JSON_NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const JSON_STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const JSON_SPACE = /[ \t\n\r]*/y;
const JSON_WORDS = { true: true, false: false, null: null };
const LARGEST_INTEGER = 2 ** 53;

export class JsonFault extends Error {}

class JsonReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fault(what) {
    throw new JsonFault(`not JSON at ${this.at}: ${what}`);
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  take(character) {
    this.match(JSON_SPACE);
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  string() {
    this.match(JSON_SPACE);
    const found = this.match(JSON_STRING);
    if (found === undefined) this.fault('no text');
    const value = JSON.parse(found);
    if (!value.isWellFormed() || value.includes('\0')) this.fault('a text with a NUL or half a character');
    return value;
  }

  value(depth) {
    this.match(JSON_SPACE);
    const next = this.text[this.at];
    if ((next === '{' || next === '[') && depth === JSON_DEPTH) this.fault('nested deeper than 64 levels');
    if (next === '{') return this.object(depth + 1);
    if (next === '[') return this.array(depth + 1);
    if (next === '"') return this.string();
    const number = this.match(JSON_NUMBER);
    if (number !== undefined) return this.number(number);
    for (const [word, value] of Object.entries(JSON_WORDS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.fault('no value');
  }

  number(text) {
    const value = Number(text);
    const isWhole = /^-?[0-9]+$/.test(text);
    if (isWhole ? BigInt.asIntN(64, BigInt(text)) !== BigInt(text) : !Number.isFinite(value)) this.fault('a number out of range');
    return value;
  }

  object(depth) {
    const members = new Map();
    this.at++;
    if (this.take('}')) return {};
    do {
      const name = this.string();
      if (members.has(name)) this.fault(`the member "${name}" stands twice`);
      if (!this.take(':')) this.fault('no ":"');
      members.set(name, this.value(depth));
    } while (this.take(','));
    if (!this.take('}')) this.fault('an object does not end');
    return Object.fromEntries(members);
  }

  array(depth) {
    const items = [];
    this.at++;
    if (this.take(']')) return items;
    do items.push(this.value(depth)); while (this.take(','));
    if (!this.take(']')) this.fault('an array does not end');
    return items;
  }
}

/* One document and nothing behind it. Throws JsonFault. */
export function readJson(bytes) {
  const text = utf8Text(bytes);
  if (text === null) throw new JsonFault('not JSON: not UTF-8');
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.match(JSON_SPACE);
  if (reader.at !== text.length) reader.fault('something behind the value');
  return value;
}

function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > LARGEST_INTEGER) {
    throw new JsonFault('a whole number beyond 2^53 has no canonical form');
  }
  return JSON.stringify(value);
}

/* RFC 8785 bytes. Throws JsonFault. */
export function canonicalJson(value) {
  return utf8Bytes(canonicalText(value));
}
