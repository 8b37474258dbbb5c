// SHA-256 (FIPS 180-4), at once and in pieces.
//
// WebCrypto has it too, but answers each call a turn of the event loop later and cannot take a file in pieces. A tree over
// ten thousand lines with a seal every second line needs some hundred thousand hashes of 65 bytes, one after the other.
// Signatures are WebCrypto's. The unit test holds this file against WebCrypto's digest.

const K = new Uint32Array(64);
const START = new Uint32Array(8);

// The constants are the first 32 bits of the fractional parts of roots of primes; making them leaves nothing to mistype.
(function constants() {
  const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
})();

const W = new Uint32Array(64);

function compress(state, data, at) {
  for (let i = 0; i < 16; i++, at += 4) {
    W[i] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15];
    const y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = W[i - 16] + s0 + W[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/** The SHA-256 of the given pieces, one after the other, as 32 bytes. */
export function sha256(...pieces) {
  const state = START.slice();
  const block = new Uint8Array(64);
  let filled = 0;
  let length = 0;
  for (const piece of pieces) {
    length += piece.length;
    let at = 0;
    if (filled > 0) {
      at = Math.min(64 - filled, piece.length);
      block.set(piece.subarray(0, at), filled);
      filled += at;
      if (filled < 64) continue;
      compress(state, block, 0);
      filled = 0;
    }
    for (; at + 64 <= piece.length; at += 64) compress(state, piece, at);
    block.set(piece.subarray(at));
    filled = piece.length - at;
  }
  block[filled++] = 0x80;
  if (filled > 56) {
    block.fill(0, filled);
    compress(state, block, 0);
    filled = 0;
  }
  block.fill(0, filled);
  const view = new DataView(block.buffer);
  view.setUint32(56, Math.floor(length / 2 ** 29));
  view.setUint32(60, (length * 8) >>> 0);
  compress(state, block, 0);
  const out = new Uint8Array(32);
  const outView = new DataView(out.buffer);
  state.forEach((word, i) => outView.setUint32(i * 4, word));
  return out;
}
