// Draws the polynomial that config files carry for restic's own chunker: irreducible over GF(2), of degree 53. Ours does not
// use it, but restic refuses a repository without a good one, and cuts its own backups with it.

const degree = 53;
const topBit: bigint = 1n << BigInt(degree);

/**
 * A random irreducible polynomial of degree 53 as hex without a prefix; about one draw in 27 succeeds, in all under 1 ms.
 * @param random returns that many random bytes.
 */
export function drawPolynomial(random: (count: number) => Uint8Array): string {
  for (;;) {
    const bits = BigInt(`0x${Buffer.from(random(8)).toString("hex")}`);
    // The top bit makes the degree; without the bottom bit x divides the polynomial.
    const candidate = (bits & (topBit - 1n)) | topBit | 1n;
    if (isIrreducibleNumber(candidate)) return candidate.toString(16);
  }
}

/** True when restic would accept the polynomial: irreducible and of degree 53. */
export function isIrreducible(hex: string): boolean {
  if (!/^[0-9a-f]{1,16}$/.test(hex)) return false;
  const polynomial = BigInt(`0x${hex}`);
  return polynomial >> BigInt(degree) === 1n && isIrreducibleNumber(polynomial);
}

/**
 * Ben-Or's test: f has no factor of degree i when gcd(f, x^(2^i) - x) is 1, for all i up to half of the degree.
 * @see Gao and Panario, *Tests and Constructions of Irreducible Polynomials over Finite Fields*, 1997
 */
function isIrreducibleNumber(polynomial: bigint): boolean {
  const x = 2n;
  let power = x;
  for (let i = 1; i <= Math.floor(degree / 2); i++) {
    power = remainder(square(power), polynomial);
    if (greatestCommonDivisor(polynomial, power ^ x) !== 1n) return false;
  }
  return true;
}

/** Squaring over GF(2) puts a zero between all bits. */
function square(value: bigint): bigint {
  return BigInt(`0b${value.toString(2).split("").join("0")}`);
}

function remainder(dividend: bigint, divisor: bigint): bigint {
  const length = bitLength(divisor);
  let rest = dividend;
  for (let shift = bitLength(rest) - length; shift >= 0; shift = bitLength(rest) - length)
    rest ^= divisor << BigInt(shift);
  return rest;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [high, low] = [a, b];
  while (low !== 0n) [high, low] = [low, remainder(high, low)];
  return high;
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
