/*
 * metadata.js: what a photograph says besides its picture, found and taken out: the segments of a
 * JPEG (ITU-T T.81 annex B) that applications put there: Exif, XMP, IPTC, thumbnails, comments, and
 * whatever stands behind the end of the picture. The picture's own data are copied as they are.
 */
import { concatBytes, sameBytes } from '../verify/bytes.js';

const MARKER = 0xff;
const STUFFED = 0x00;
const TEM = 0x01;
const RST0 = 0xd0;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;
const APP15 = 0xef;
const COM = 0xfe;
/* These decide how the picture looks; an application's segment begins with its name. */
const NEEDED = [[APP0, 'JFIF\0'], [APP2, 'ICC_PROFILE\0'], [APP14, 'Adobe']];
const JFIF_SIZE = 18; /* with its marker, without a thumbnail */
const JFIF_THUMBNAIL = 16; /* where its width and height stand */
const EXIF = 'Exif\0\0';
const BIG_ENDIAN = 0x4d4d;
const SHORT = 3;
const TAGS = { 0x010f: 'device', 0x0110: 'device', 0x0132: 'time', 0x8769: 'time', 0x8825: 'place' };
const HELD = ['place', 'time', 'device', 'more'];
const TAG_ORIENTATION = 0x0112;
const UPRIGHT = 1;
const TAG_SIZE = 12;

const isRestart = (marker) => marker >= RST0 && marker < SOI;
const beginsWith = (bytes, at, text) => [...text].every((character, place) => bytes[at + place] === character.charCodeAt(0));

/* Where the data of a scan end: at the next marker that is no part of them. */
function endOfScan(bytes, start) {
  for (let at = start; at + 1 < bytes.length; at++) {
    if (bytes[at] === MARKER && bytes[at + 1] !== STUFFED && bytes[at + 1] !== MARKER && !isRestart(bytes[at + 1])) return at;
  }
  return bytes.length;
}

/*
 * The parts of a JPEG in order: {marker, start, end}, a scan with its data; the last is the end of the
 * picture, where it has one. null: it is broken.
 */
function partsOf(bytes) {
  const parts = [];
  for (let at = 2; at + 1 < bytes.length;) {
    while (bytes[at] === MARKER && bytes[at + 1] === MARKER) at++;
    const marker = bytes[at + 1];
    if (bytes[at] !== MARKER || marker === STUFFED || marker === SOI) return null;
    const isAlone = marker === EOI || marker === TEM || isRestart(marker);
    const length = isAlone ? 0 : 256 * bytes[at + 2] + bytes[at + 3];
    let end = at + 2 + length;
    if (!(length >= 2 || isAlone) || end > bytes.length) return null;
    if (marker === SOS) end = endOfScan(bytes, end);
    parts.push({ marker, start: at, end });
    if (marker === EOI) return parts;
    at = end;
  }
  return parts.some(({ marker }) => marker === SOS) ? parts : null; /* cut off behind a scan */
}

/* By its first JPEG_HEAD bytes. */
export const JPEG_HEAD = 3;
export const isJpeg = (bytes) => bytes[0] === MARKER && bytes[1] === SOI && bytes[2] === MARKER;
const isOfApplication = ({ marker }) => (marker >= APP0 && marker <= APP15) || marker === COM;

function isNeeded(bytes, { marker, start }) {
  return NEEDED.some(([wanted, name]) => marker === wanted && beginsWith(bytes, start + 4, name));
}

/* The tags of an Exif segment's first directory: Map of tag -> short value. */
function exifTags(bytes, { start, end }) {
  const found = new Map();
  const tiff = start + 4 + EXIF.length;
  if (!beginsWith(bytes, start + 4, EXIF) || tiff + 8 > end) return found;
  const view = new DataView(bytes.buffer, bytes.byteOffset + tiff, end - tiff);
  const isLittle = view.getUint16(0) !== BIG_ENDIAN;
  const directory = view.getUint32(4, isLittle);
  const count = directory + 2 <= view.byteLength ? view.getUint16(directory, isLittle) : 0;
  for (let at = directory + 2; at < directory + 2 + count * TAG_SIZE && at + TAG_SIZE <= view.byteLength; at += TAG_SIZE) {
    found.set(view.getUint16(at, isLittle), view.getUint16(at + 8, isLittle));
  }
  return found;
}

function orientationOf(bytes, parts) {
  const values = parts.filter(({ marker }) => marker === APP1).map((part) => exifTags(bytes, part).get(TAG_ORIENTATION));
  return values.find((value) => value > UPRIGHT && value <= 8) ?? UPRIGHT;
}

/* An Exif segment that says which side is up, and nothing else. */
function orientationSegment(orientation) {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, TAG_ORIENTATION >> 8, TAG_ORIENTATION & 0xff, 0, SHORT, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const body = [...[...EXIF].map((character) => character.charCodeAt(0)), ...tiff];
  return new Uint8Array([MARKER, APP1, 0, body.length + 2, ...body]);
}

const hasThumbnail = (bytes, { marker, start, end }) => marker === APP0 && end - start > JFIF_SIZE;

function withoutThumbnail(bytes, { start }) {
  const kept = bytes.slice(start, start + JFIF_SIZE);
  kept.set([0, JFIF_SIZE - 2], 2);
  kept.set([0, 0], JFIF_THUMBNAIL);
  return kept;
}

function heldBy(bytes, part, orientation) {
  const { marker, start, end } = part;
  const names = marker === APP1 ? [...exifTags(bytes, part).keys()].map((tag) => TAGS[tag]).filter(Boolean) : [];
  if (names.length) return names;
  const isNothing = sameBytes(bytes.subarray(start, end), orientation) || (isNeeded(bytes, part) && !hasThumbnail(bytes, part));
  return isNothing ? [] : ['more'];
}

/*
 * What a photograph holds besides its picture: some of 'place', 'time', 'device', 'more', or
 * 'unreadable' where it is broken. Of what is no JPEG nothing is known: [].
 */
export function heldBesides(bytes) {
  if (!isJpeg(bytes)) return [];
  const parts = partsOf(bytes);
  if (!parts) return ['unreadable'];
  const orientation = orientationSegment(orientationOf(bytes, parts));
  const held = new Set(parts.filter(isOfApplication).flatMap((part) => heldBy(bytes, part, orientation)));
  if (parts.at(-1).end < bytes.length) held.add('more');
  return HELD.filter((name) => held.has(name));
}

/* The same picture, the same way up, with nothing besides; null where it is broken. */
export function pictureAlone(bytes) {
  const parts = isJpeg(bytes) ? partsOf(bytes) : null;
  if (!parts) return null;
  const orientation = orientationOf(bytes, parts);
  const kept = parts.filter((part) => !isOfApplication(part) || isNeeded(bytes, part))
    .map((part) => (hasThumbnail(bytes, part) ? withoutThumbnail(bytes, part) : bytes.subarray(part.start, part.end)));
  const first = parts[0].marker === APP0 && isNeeded(bytes, parts[0]) ? 1 : 0;
  if (orientation !== UPRIGHT) kept.splice(first, 0, orientationSegment(orientation));
  return concatBytes(bytes.subarray(0, 2), ...kept);
}
