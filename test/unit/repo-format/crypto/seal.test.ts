import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { loadNativeProvider } from "../../../../repo-format/crypto/native.ts";
import { loadOpenSslProvider } from "../../../../repo-format/crypto/openssl.ts";
import { portableProvider } from "../../../../repo-format/crypto/portable.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { MasterKey } from "../../../../repo-format/format/key-file.ts";

const key: MasterKey = {
  encrypt: Buffer.from("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef", "hex"),
  macK: Buffer.from("ef4d8824cb80b2bcc5fbff8a9b12a42c", "hex"),
  macR: Buffer.from("cc8d4b948ee0ebfe1d415de921d10353", "hex"),
};
/** From restic's own tests. */
const sealedByRestic = Buffer.from(
  "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750",
  "hex",
);

function isRefused(error: unknown): boolean {
  return RepositoryError.is(error, "authentication-failed");
}

for (const provider of [loadOpenSslProvider(), loadNativeProvider(), portableProvider]) {
  const title = (text: string): string => `${provider.name}: ${text}`;

  test(title("opens what restic sealed"), () => {
    assert.equal(new Sealer(key, provider).open(sealedByRestic).toString(), "Dies ist ein Test!");
  });

  test(title("computes Bernstein's Poly1305-AES vectors"), () => {
    // Message, r, k, nonce, MAC: appendix B of the paper, as restic's tests have them too.
    const vectors = [
      [
        "f3f6",
        "851fc40c3467ac0be05cc20404f3f700",
        "ec074c835580741701425b623235add6",
        "fb447350c4e868c52ac3275cf9d4327e",
        "f4c633c3044fc145f84f335cb81953de",
      ],
      [
        "",
        "a0f3080000f46400d0c7e9076c834403",
        "75deaa25c09f208e1dc4ce6b5cad3fbf",
        "61ee09218d29b0aaed7e154a2c5509cc",
        "dd3fab2251f11ac759f0887129cc2ee7",
      ],
      [
        "663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136",
        "48443d0bb0d21109c89a100b5ce2c208",
        "6acb5f61a7176dd320c5c1eb2edcdc74",
        "ae212a55399729595dea458bc621ff0e",
        "0ee1c16bb73f0f4fd19881753c01cdbe",
      ],
      [
        "ab0812724a7f1e342742cbed374d94d136c6b8795d45b3819830f2c04491faf0990c62e48b8018b2c3e4a0fa3134cb67fa83e158c994d961c4cb21095c1bf9",
        "12976a08c4426d0ce8a82407c4f48207",
        "e1a5668a4d5b66a5f68cc5424ed5982d",
        "9ae831e743978d3a23527c7128149e3a",
        "5154ad0d2cb26e01274fc51148491f1b",
      ],
    ] as const;
    for (const [message, r, k, nonce, mac] of vectors) {
      const primitives = provider.bind({ ...key, macK: Buffer.from(k, "hex"), macR: Buffer.from(r, "hex") });
      assert.equal(
        Buffer.from(primitives.mac(Buffer.from(message, "hex"), Buffer.from(nonce, "hex"))).toString("hex"),
        mac,
      );
    }
  });

  test(title("computes NIST's AES-256-CTR vector"), () => {
    // NIST SP 800-38A, F.5.5.
    const primitives = provider.bind({
      ...key,
      encrypt: Buffer.from("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "hex"),
    });
    const plain = Buffer.from(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
      "hex",
    );
    const nonce = Buffer.from("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "hex");
    const output = Buffer.alloc(plain.length + 3);
    primitives.crypt(plain, nonce, output, 3);
    assert.equal(
      output.subarray(3).toString("hex"),
      "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    );
  });

  test(title("opens what it sealed, of any length, and adds 32 bytes"), () => {
    const sealer = new Sealer(key, provider);
    for (const length of [0, 1, 15, 16, 17, 37, 1000, 16_383, 16_384, 16_385, 65_537, 200_000]) {
      const plain = randomBytes(length);
      const copy = Buffer.from(plain);
      const sealed = sealer.seal(plain);
      assert.equal(sealed.length, length + Sealer.overhead);
      assert.ok(plain.equals(copy), "the plaintext is not touched");
      assert.ok(sealer.open(sealed).equals(plain), String(length));
    }
  });

  test(title("opens piece by piece what it sealed, in the memory of one, until it is told to stop"), () => {
    const sealer = new Sealer(key, provider);
    for (const length of [0, 1, 64, 65, 1000, 200_000]) {
      const plain = randomBytes(length);
      for (const pieceBytes of [64, 8192]) {
        const pieces: Buffer[] = [];
        const isWhole = sealer.openPieces(sealer.seal(plain), Buffer.alloc(pieceBytes), (piece) => {
          pieces.push(Buffer.from(piece));
          return true;
        });
        assert.equal(isWhole, true);
        assert.ok(Buffer.concat(pieces).equals(plain), `${length} in pieces of ${pieceBytes}`);
      }
    }
    let taken = 0;
    const stop = (): boolean => ++taken < 3;
    assert.equal(sealer.openPieces(sealer.seal(randomBytes(1000)), Buffer.alloc(64), stop), false);
    assert.equal(taken, 3);
    const damaged = sealer.seal(randomBytes(1000));
    damaged[999] = (damaged[999] as number) ^ 1;
    assert.throws(() => sealer.openPieces(damaged, Buffer.alloc(64), () => assert.fail("shown")), isRefused);
  });

  test(title("refuses a sealed text with any byte changed, at every place"), () => {
    const sealer = new Sealer(key, provider);
    const sealed = sealer.seal(Buffer.from("a small blob"));
    for (let at = 0; at < sealed.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] as number) ^ flip;
        assert.throws(() => sealer.open(changed), isRefused, `byte ${at}`);
      }
    }
  });

  test(title("refuses texts that are cut off, longer, too short, or sealed with another key"), () => {
    const sealer = new Sealer(key, provider);
    const sealed = sealer.seal(Buffer.from("a small blob"));
    for (let length = 0; length < sealed.length; length++) {
      assert.throws(() => sealer.open(sealed.subarray(0, length)), isRefused);
      assert.throws(() => sealer.open(sealed.subarray(sealed.length - length)), isRefused);
    }
    assert.throws(() => sealer.open(Buffer.concat([sealed, Buffer.of(0)])), isRefused);
    for (const part of ["macK", "macR"] as const) {
      assert.throws(() => new Sealer({ ...key, [part]: randomBytes(16) }, provider).open(sealed), isRefused);
    }
  });

  test(title("refuses a nonce of zeros although its MAC is right"), () => {
    const primitives = provider.bind(key);
    const nonce = Buffer.alloc(16);
    const ciphertext = Buffer.alloc(4);
    primitives.crypt(Buffer.from("text"), nonce, ciphertext, 0);
    const sealed = Buffer.concat([nonce, ciphertext, primitives.mac(ciphertext, nonce)]);
    assert.throws(() => new Sealer(key, provider).open(sealed), isRefused);
  });
}

test("nonces never repeat, also beyond one draw from the generator", () => {
  const sealer = new Sealer(key);
  const nonces = new Set<string>();
  for (let count = 0; count < 5000; count++) nonces.add(sealer.seal(Buffer.alloc(0)).toString("hex", 0, 16));
  assert.equal(nonces.size, 5000);
});

test("sealInto writes at an offset and nothing around it", () => {
  const sealer = new Sealer(key);
  for (const length of [20, 40_000]) {
    const plain = randomBytes(length);
    const target = Buffer.alloc(length + 100, 0xee);
    assert.equal(sealer.sealInto(plain, target, 7), length + 32);
    assert.ok(sealer.open(target.subarray(7, 7 + length + 32)).equals(plain));
    assert.ok(target.subarray(0, 7).every((byte) => byte === 0xee));
    assert.ok(target.subarray(7 + length + 32).every((byte) => byte === 0xee));
  }
  assert.throws(() => sealer.sealInto(Buffer.alloc(10), Buffer.alloc(50), 9), RangeError);
});

test("shared memory can be sealed and opened", () => {
  const sealer = new Sealer(key);
  const shared = new Uint8Array(new SharedArrayBuffer(20_000)).subarray(3);
  shared.fill(5);
  const target = new Uint8Array(new SharedArrayBuffer(20_100));
  const written = sealer.sealInto(shared, target, 1);
  assert.deepEqual(sealer.open(target.subarray(1, 1 + written)), Buffer.alloc(shared.length, 5));
});
