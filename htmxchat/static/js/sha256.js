/** SHA-256 of a text. The browser's own is missing on pages that come over plain http. */

const SIZE = 64;
const FIRST = [2, 3, 5, 7, 11, 13, 17, 19];
/** @type {number[]} */
const PRIMES = [];
for (let number = 2; PRIMES.length < SIZE; number++) {
  if (PRIMES.every((prime) => number % prime)) PRIMES.push(number);
}
/** The first 32 bits behind the point. @param {number} value */
const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const CONSTANTS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = FIRST.map((prime) => fraction(Math.sqrt(prime)));

/** @param {number} word @param {number} bits */
const turned = (word, bits) => (word >>> bits) | (word << (32 - bits));

/** @param {string} text @returns {string} The hash of the text as UTF-8, in hexadecimal. */
export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new DataView(new ArrayBuffer(SIZE * Math.ceil((bytes.length + 9) / SIZE)));
  new Uint8Array(padded.buffer).set(bytes);
  padded.setUint8(bytes.length, 0x80);
  padded.setUint32(padded.byteLength - 8, Math.floor(bytes.length / 2 ** 29));
  padded.setUint32(padded.byteLength - 4, bytes.length << 3);
  let hash = START;
  for (let offset = 0; offset < padded.byteLength; offset += SIZE) hash = mixed(hash, padded, offset);
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {number[]} hash @param {DataView} data @param {number} offset */
function mixed(hash, data, offset) {
  const words = Array.from({ length: 16 }, (_, index) => data.getInt32(offset + 4 * index));
  for (let index = 16; index < SIZE; index++) {
    const [before, last] = [words[index - 15], words[index - 2]];
    const one = turned(before, 7) ^ turned(before, 18) ^ (before >>> 3);
    const two = turned(last, 17) ^ turned(last, 19) ^ (last >>> 10);
    words.push((words[index - 16] + one + words[index - 7] + two) | 0);
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let index = 0; index < SIZE; index++) {
    const choice = (e & f) ^ (~e & g);
    const most = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + CONSTANTS[index] + words[index]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, index) => (word + hash[index]) | 0);
}
