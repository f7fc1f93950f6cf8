import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { decodeTree, emptyTreeId, encodeTree, iterateTree, TreeEncoder } from "../../../../repo-format/format/tree.ts";

const id = idOf<BlobId>(Buffer.from("content"));
const times = '"mtime":"2024-01-02T03:04:05Z","atime":"2024-01-02T03:04:05Z","ctime":"2024-01-02T03:04:05Z"';

function node(name: string | Buffer, type: Node["type"], changes: Partial<Node> = {}): Node {
  const time = "2024-01-02T03:04:05Z";
  return { ...emptyNode(Buffer.from(name as string), type), mtime: time, atime: time, ctime: time, ...changes };
}

function treeOf(...nodes: string[]): Buffer {
  return Buffer.from(`{"nodes":[${nodes.join(",")}]}\n`);
}

function isMalformed(pattern?: RegExp): (error: unknown) => boolean {
  return (error) => RepositoryError.is(error, "tree-malformed") && (pattern?.test(error.message) ?? true);
}

test("the empty tree has the id that restic gives it", () => {
  assert.equal(encodeTree([]).toString(), '{"nodes":[]}\n');
  assert.equal(idOf(encodeTree([])), emptyTreeId);
});

test("a node has its keys in restic's order and leaves out what is zero", () => {
  const everything = node("all", "chardev", {
    mode: 69_206_436,
    uid: 4_294_967_294,
    gid: 2,
    user: "u<ser",
    group: "grö\n",
    inode: 18_446_744_073_709_551_615n,
    deviceId: 9_007_199_254_740_993n,
    size: 9_007_199_254_740_991,
    links: 3,
    linkTarget: Buffer.from("to"),
    extendedAttributes: [
      { name: "user.b", value: Buffer.from("hello") },
      { name: "user.a", value: Buffer.alloc(0) },
      { name: "x&", value: null },
    ],
    genericAttributes: Buffer.from('{"windows.file_attributes":"!!!"}'),
    device: 259n,
    content: [id, id],
    subtree: emptyTreeId,
    error: "could not read",
  });
  assert.equal(
    encodeTree([everything]).toString(),
    `{"nodes":[{"name":"all","type":"chardev","mode":69206436,${times},"uid":4294967294,"gid":2,"user":"u\\u003cser",` +
      `"group":"grö\\n","inode":18446744073709551615,"device_id":9007199254740993,"size":9007199254740991,"links":3,` +
      '"linktarget":"to","extended_attributes":[{"name":"user.b","value":"aGVsbG8="},{"name":"user.a","value":""},' +
      '{"name":"x\\u0026","value":null}],"generic_attributes":{"windows.file_attributes":"!!!"},"device":259,' +
      `"content":["${id}","${id}"],"subtree":"${emptyTreeId}","error":"could not read"}]}\n`,
  );
  assert.deepEqual(decodeTree(encodeTree([everything])).nodes, [everything]);
  const nothing = node("n", "fifo");
  assert.equal(
    encodeTree([nothing]).toString(),
    `{"nodes":[{"name":"n","type":"fifo",${times},"uid":0,"gid":0,"content":null}]}\n`,
  );
  assert.deepEqual(decodeTree(encodeTree([nothing])).nodes, [nothing]);
});

test("a file without bytes has an empty list, a directory none", () => {
  const tree = encodeTree([node("d", "dir", { subtree: emptyTreeId }), node("f", "file")]);
  assert.match(tree.toString(), /"content":null,"subtree":"ac08/);
  assert.match(tree.toString(), /"content":\[\]}/);
  const [directory, file] = decodeTree(tree).nodes;
  assert.equal(directory?.content, undefined);
  assert.deepEqual(file?.content, []);
});

test("a link target that is not UTF-8 is kept in linktarget_raw, which wins when it is read", () => {
  const target = Buffer.from("./\xff<", "latin1");
  const tree = encodeTree([node("l", "symlink", { linkTarget: target })]);
  assert.match(tree.toString(), /"linktarget":".\/\\ufffd\\u003c","linktarget_raw":"Li\/\/PA==","content":null/);
  assert.deepEqual(decodeTree(tree).nodes[0]?.linkTarget, target);
  assert.deepEqual(encodeTree(decodeTree(tree).nodes), tree);
});

test("an id list longer than one write is complete", () => {
  const content = Array.from({ length: 10_000 }, (_, number) => idOf<BlobId>(Buffer.from(String(number))));
  const tree = encodeTree([node("big", "file", { content }), node("next", "file")]);
  assert.deepEqual(
    (JSON.parse(tree.toString()) as { nodes: { content: string[] }[] }).nodes.map((entry) => entry.content),
    [content, []],
  );
  assert.deepEqual(decodeTree(tree).nodes[0]?.content, content);
});

test("TreeEncoder refuses names that are empty, repeated or out of the order of their bytes", () => {
  const encoder = new TreeEncoder();
  assert.throws(() => encoder.add(node("", "file")), isMalformed(/empty/));
  encoder.add(node("b", "file"));
  assert.throws(() => encoder.add(node("b", "file")), isMalformed(/twice/));
  assert.throws(() => encoder.add(node("a", "file")), isMalformed(/after/));
  // UTF-16 would order these two the other way round.
  encoder.add(node("\uff61", "file"));
  encoder.add(node("\u{1f600}", "file"));
  encoder.add(node(Buffer.of(0xff), "file"));
  assert.equal(decodeTree(encoder.finish()).nodes.length, 4);
});

test("decodeTree tells of disorder, duplicates and empty names, and still gives the nodes", () => {
  const entry = (name: string): string => `{"name":"${name}","type":"file","content":[]}`;
  assert.equal(decodeTree(treeOf(entry("a"), entry("b"))).disorder, undefined);
  assert.match(decodeTree(treeOf(entry("b"), entry("a"))).disorder ?? "", /"a" comes after "b"/);
  assert.match(decodeTree(treeOf(entry("a"), entry("a"))).disorder ?? "", /"a" comes twice/);
  assert.match(decodeTree(treeOf(entry(""))).disorder ?? "", /empty/);
  assert.equal(decodeTree(treeOf(entry("b"), entry("a"))).nodes.length, 2);
  assert.equal(decodeTree(treeOf(entry("../x"), entry("a\\\\x00b"))).nodes[0]?.name.toString(), "../x");
});

test("decodeTree notices whatever another encoding would lose", () => {
  const known = '"name":"a","type":"file","content":[]';
  assert.equal(decodeTree(treeOf(`{${known}}`)).hasUnknownKeys, false);
  for (const extra of [
    '"new":{"x":[1,-2.5e3,true,null,"\\""]}',
    '"uid":1,"uid":2',
    '"extended_attributes":[{"flags":1}]',
  ]) {
    const tree = decodeTree(treeOf(`{${known},${extra}}`));
    assert.equal(tree.hasUnknownKeys, true, extra);
    assert.equal(tree.nodes.length, 1);
  }
  assert.equal(decodeTree(Buffer.from('{"version":2,"nodes":[]}')).hasUnknownKeys, true);
  assert.equal(decodeTree(Buffer.from('{"nodes":[],"more":{}}')).hasUnknownKeys, true);
  const future = decodeTree(treeOf('{"name":"a","type":"whiteout","content":null}'));
  assert.equal(future.hasUnknownKeys, true);
  assert.equal(future.nodes[0]?.type, "irregular");
});

test("keys may come in any order, with white space, and null stands for absent", () => {
  const tree = Buffer.from(
    ` {\n"nodes" : [ { "content" : [ "${id}" ] , "mode":null, "size": 7 , "type":"file","name":"\\u0061" } ] } \t\r\n`,
  );
  assert.deepEqual(decodeTree(tree).nodes, [{ ...emptyNode(Buffer.from("a"), "file"), size: 7, content: [id] }]);
});

test("a name that is not quoted is taken as it stands, with a note", () => {
  const tree = decodeTree(treeOf('{"name":"C:\\\\dir","type":"file","content":[]}'));
  assert.equal(tree.nodes[0]?.name.toString(), "C:\\dir");
  assert.equal(tree.hasUnquotedNames, true);
  assert.equal(decodeTree(encodeTree([node("C:\\dir", "file")])).hasUnquotedNames, false);
});

test("a tree cut off at any byte is malformed", () => {
  const tree = encodeTree([
    node("a\xff", "file", { content: [id], inode: 12n, extendedAttributes: [{ name: "user.x", value: Buffer.of(1) }] }),
    node("b", "dir", { subtree: emptyTreeId, genericAttributes: Buffer.from('{"a":[1.5,true]}') }),
  ]);
  for (let length = 0; length < tree.length - 1; length++) {
    assert.throws(() => decodeTree(tree.subarray(0, length)), isMalformed(/at byte \d+$/), String(length));
  }
  assert.equal(decodeTree(tree.subarray(0, tree.length - 1)).nodes.length, 2);
});

test("values out of their range or of the wrong type are malformed", () => {
  const bad = [
    '"mode":4294967296',
    '"uid":-1',
    '"uid":4294967296',
    '"gid":1.5',
    '"gid":1e3',
    '"gid":01',
    '"gid":"1"',
    '"inode":18446744073709551616',
    '"inode":-1',
    '"inode":123456789012345678901',
    '"size":9007199254740992',
    '"size":99999999999999999999999999999999999999999',
    '"mtime":""',
    '"mtime":"yesterday"',
    '"mtime":"2024-13-01T00:00:00Z"',
    '"mtime":5',
    '"user":"\\q"',
    '"user":"\\u12"',
    '"user":5',
    '"user":"\u0001"',
    '"user":tru',
    '"linktarget_raw":"A"',
    '"linktarget_raw":"####"',
    '"extended_attributes":{}',
    '"extended_attributes":[{"value":"*"}]',
    '"generic_attributes":[]',
    '"content":["abc"]',
    `"content":["${"A".repeat(64)}"]`,
    `"content":["${id}",]`,
    `"subtree":"${"g".repeat(64)}"`,
    '"error":{}',
    '"x":+1',
    '"x":nul',
    '"x":.5',
    '"x":1.',
    '"x":"',
  ];
  for (const member of bad) {
    assert.throws(() => decodeTree(treeOf(`{"name":"a","type":"file",${member}}`)), isMalformed(), member);
  }
});

test("what is not a tree is malformed", () => {
  for (const text of [
    "",
    " ",
    "null",
    "[]",
    "{}",
    '{"nodes":null}',
    '{"nodes":{}}',
    '{"nodes":[null]}',
    '{"nodes":[]}x',
  ]) {
    assert.throws(() => decodeTree(Buffer.from(text)), isMalformed(), text);
  }
  assert.throws(() => decodeTree(Buffer.from('{"nodes":[],"nodes":[]}')), isMalformed(/second/));
});

test("nesting without end is refused before the stack ends", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    assert.throws(() => decodeTree(treeOf(`{"name":"a","x":${deep}}`)), isMalformed(/nested/));
  }
});

test("iterateTree yields the nodes before the damage", () => {
  const tree = encodeTree([node("a", "file"), node("b", "file")]);
  const iterator = iterateTree(tree.subarray(0, tree.length - 20));
  assert.equal(iterator.next().value?.name.toString(), "a");
  assert.throws(() => iterator.next(), isMalformed());
});

test("decoded nodes do not share memory with the tree's bytes", () => {
  const tree = encodeTree([node("name", "symlink", { linkTarget: Buffer.from("target") })]);
  const [decoded] = decodeTree(tree).nodes;
  tree.fill(0);
  assert.equal(decoded?.name.toString(), "name");
  assert.equal(decoded?.linkTarget?.toString(), "target");
});

test("owners and times that repeat, change and come back are read right", () => {
  const owners = ["root", "root", "", "", "rööt", "rööt", 'ro"t', "root", "roo", "root"];
  const nodes = owners.map((owner, index) => {
    const mtime = index % 3 === 0 ? "2024-01-02T03:04:05Z" : `2024-01-02T03:04:05.${index}Z`;
    return node(`n${index}`, "file", { user: owner, group: owners.at(-1 - index) ?? "", mtime, atime: mtime });
  });
  assert.deepEqual(decodeTree(encodeTree(nodes)).nodes, nodes);
});
