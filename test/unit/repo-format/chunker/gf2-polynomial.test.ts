import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { drawPolynomial, isIrreducible } from "../../../../repo-format/chunker/gf2-polynomial.ts";

test("polynomials that restic and rustic drew are irreducible", () => {
  for (const hex of ["25b468838dcb75", "3da3358b4dc173", "379e1f8576e839"]) assert.equal(isIrreducible(hex), true, hex);
});

test("polynomials with a factor, of another degree, or in another notation are refused", () => {
  const bad = [
    "25b468838dcb77", // one bit off
    "25b468838dcb74", // divisible by x
    "20000000000001", // x^53 + 1 has the factor x + 1
    "3", // irreducible, of degree 1
    "bfe6b8a5bf378d83", // of degree 63
    "1da3358b4dc173",
    "0",
    "",
    "0x25b468838dcb75",
    "25B468838DCB75",
    "25b468838dcb75 ",
  ];
  for (const hex of bad) assert.equal(isIrreducible(hex), false, hex);
});

test("products of two polynomials are found reducible", () => {
  // Factors of degrees 1 to 26 by carry-less multiplication: Ben-Or's test must go up to half of the degree.
  for (let degree = 1; degree <= 26; degree++) {
    for (let tries = 0; tries < 3; tries++) {
      const product = multiply(draw(degree), draw(53 - degree));
      assert.equal(isIrreducible(product.toString(16)), false, `${degree}: ${product.toString(16)}`);
    }
  }
});

test("drawPolynomial draws different irreducible polynomials of degree 53", () => {
  const drawn = Array.from({ length: 10 }, () => drawPolynomial(randomBytes));
  assert.equal(new Set(drawn).size, 10);
  for (const hex of drawn) assert.equal(isIrreducible(hex), true);
});

function draw(degree: number): bigint {
  const bits = BigInt(`0x${randomBytes(8).toString("hex")}`) & ((1n << BigInt(degree)) - 1n);
  return bits | (1n << BigInt(degree)) | 1n;
}

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = 0n; bit < 64n; bit++) if ((b >> bit) & 1n) product ^= a << bit;
  return product;
}
