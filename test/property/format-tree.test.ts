// Trees of random nodes: what is written is read back, what is read is written back byte for byte, and damage never gives
// anything but a clear error.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RepositoryError } from "../../repo-format/errors.ts";
import { quoteName, unquoteName } from "../../repo-format/format/go-quote.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import type { Node, NodeType } from "../../repo-format/format/node.ts";
import { formatTime, parseTime } from "../../repo-format/format/time.ts";
import { decodeTree, encodeTree, iterateTree } from "../../repo-format/format/tree.ts";

const bytes = (maxLength: number, minLength: number = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));

/** Raw names: any bytes, odd UTF-8, and plain ones. */
const name = fc.oneof(
  bytes(30, 1),
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => Buffer.from(text)),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((text) => Buffer.from(text)),
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 12 }).map((text) => Buffer.from(text)),
);
const text = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "binary", maxLength: 10 }),
  fc.constantFrom("root", "a<b>&\u2028"),
);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 1000n }),
);
const size = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const blobId = fc.nat(1000).map((number) => idOf<BlobId>(Buffer.from(String(number))));
const time = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((unixNs) => formatTime(unixNs)),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 61n }), fc.integer({ min: -1439, max: 1439 }))
    .map(([ns, zone]) => formatTime(ns, zone)),
);
const types: NodeType[] = ["file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular", ""];

const attribute = fc.record({ name: text, value: fc.option(bytes(20)) }, { noNullPrototype: true });

const node: fc.Arbitrary<Node> = fc.record(
  {
    name,
    type: fc.constantFrom(...types),
    mode: uint32,
    mtime: time,
    atime: time,
    ctime: time,
    uid: uint32,
    gid: uint32,
    user: text,
    group: text,
    inode: uint64,
    deviceId: uint64,
    size,
    links: size,
    linkTarget: fc.option(bytes(20, 1), { nil: undefined }),
    extendedAttributes: fc.array(attribute, { maxLength: 3 }),
    genericAttributes: fc.option(
      fc.json().map((value) => Buffer.from(JSON.stringify({ "windows.x": JSON.parse(value) }))),
      {
        nil: undefined,
      },
    ),
    device: uint64,
    content: fc.option(fc.array(blobId, { maxLength: 5 }), { nil: undefined }),
    subtree: fc.option(blobId, { nil: undefined }),
    error: text,
  },
  { noNullPrototype: true },
);

const nodes: fc.Arbitrary<Node[]> = fc
  .uniqueArray(node, { maxLength: 8, selector: (item) => item.name.toString("hex") })
  .map((list) => list.sort((a, b) => Buffer.compare(a.name, b.name)));

test("every tree is read back as it was written, and written again to the same bytes", () => {
  fc.assert(
    fc.property(nodes, (list) => {
      const encoded = encodeTree(list);
      const tree = decodeTree(encoded);
      assert.deepEqual(tree, { nodes: list, hasUnknownKeys: false, hasUnquotedNames: false, disorder: undefined });
      assert.ok(encodeTree(tree.nodes).equals(encoded));
      assert.deepEqual([...iterateTree(encoded)], list);
      // Any JSON parser agrees on the parts that it can represent.
      const parsed = JSON.parse(encoded.toString()) as { nodes: { user?: string; size?: number; mtime: string }[] };
      assert.deepEqual(
        parsed.nodes.map((item) => [item.user ?? "", item.size ?? 0, item.mtime]),
        list.map((item) => [item.user, item.size, item.mtime]),
      );
    }),
    { numRuns: 300 },
  );
});

test("a changed byte gives other nodes or a clear error, never another exception", () => {
  fc.assert(
    fc.property(nodes, fc.nat(), fc.integer({ min: 0, max: 255 }), (list, at, byte) => {
      const encoded = encodeTree(list);
      encoded[at % encoded.length] = byte;
      expectNodesOrMalformed(encoded);
    }),
    { numRuns: 1000 },
  );
});

test("pieces of trees in any order give nodes or a clear error", () => {
  const piece = fc.constantFrom(
    ...[
      '{"nodes":[',
      "]}",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"name"',
      '"a"',
      '"content"',
      "null",
      "true",
      "1",
      "-1.5e9",
      '"',
    ],
    ...['"type":"file"', '"\\ud800"', '"size":18446744073709551616', "\\", "\n", " "],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      expectNodesOrMalformed(Buffer.from(pieces.join("")));
      expectNodesOrMalformed(Buffer.from(`{"nodes":[{${pieces.join("")}}]}`));
    }),
    { numRuns: 1000 },
  );
});

test("every name survives quoting", () => {
  fc.assert(
    fc.property(name, (raw) => {
      assert.deepEqual(unquoteName(quoteName(raw)), raw);
    }),
    { numRuns: 1000 },
  );
});

test("unquoting any text gives bytes or nothing, and what it gives is quoted back to the same bytes", () => {
  const escaped = fc
    .array(fc.oneof(fc.constantFrom("\\", "\\x", "\\u", "\\U", "0", "7", "9", "f", "F", "\\n", '"', "'"), fc.string()))
    .map((parts) => Buffer.from(parts.join("")));
  fc.assert(
    fc.property(escaped, (quoted) => {
      const raw = unquoteName(quoted);
      if (raw !== undefined) assert.deepEqual(unquoteName(quoteName(raw)), raw);
    }),
    { numRuns: 1000 },
  );
});

test("every time survives both ways, in every zone", () => {
  const instant = fc.bigInt({ min: -62_167_219_200n * 10n ** 9n, max: 253_402_300_800n * 10n ** 9n - 1n });
  fc.assert(
    fc.property(instant, fc.integer({ min: -1439, max: 1439 }), (unixNs, offsetMinutes) => {
      const dayNs = 86_400n * 10n ** 9n;
      fc.pre(unixNs > -62_167_219_200n * 10n ** 9n + dayNs && unixNs < 253_402_300_800n * 10n ** 9n - dayNs);
      assert.deepEqual(parseTime(formatTime(unixNs, offsetMinutes)), { unixNs, offsetMinutes });
      // The built-in calendar agrees to the millisecond.
      const milliseconds = Number(unixNs / 1_000_000n) - (unixNs % 1_000_000n < 0n ? 1 : 0);
      assert.equal(formatTime(unixNs).slice(0, 19), new Date(milliseconds).toISOString().slice(0, 19));
    }),
    { numRuns: 1000 },
  );
});

function expectNodesOrMalformed(encoded: Buffer): void {
  try {
    const tree = decodeTree(encoded);
    for (const item of tree.nodes) {
      parseTime(item.mtime);
      assert.ok(Number.isSafeInteger(item.size) && item.inode < 2n ** 64n);
    }
    if (!tree.hasUnknownKeys && !tree.hasUnquotedNames && tree.disorder === undefined) {
      const again = decodeTree(encodeTree(tree.nodes));
      assert.deepEqual(again.nodes, tree.nodes);
    }
  } catch (error) {
    if (!RepositoryError.is(error, "tree-malformed")) throw error;
  }
}
