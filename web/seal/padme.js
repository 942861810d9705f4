/*
 * padme.js: Padme, which hides all but the order of a length (PURBs, PETS 2019, section 4); the
 * twin of src/seal/padme.c.
 */
const HIGH_PART = 2 ** 32;

function floorLog2(number) {
  return number >= HIGH_PART ? 63 - Math.clz32(number / HIGH_PART) : 31 - Math.clz32(number);
}

/* The padded length of `length` bytes, up to 2^52. */
export function padme(length) {
  if (length < 2) return length;
  const exponent = floorLog2(length);
  const step = 2 ** (exponent - floorLog2(exponent) - 1);
  return Math.ceil(length / step) * step;
}
