import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  choiceParser,
  countParser,
  durationParser,
  mapParser,
  parseList,
  parseOrderedResources,
  withoutUndefined,
  wordParser,
} from "../../../../../src/cli/cluster/flag-values.ts";

describe("flag values", () => {
  it("lists are split at commas, and a flag that is given again adds to them", () => {
    assert.deepEqual(parseList("a, b,,c", ["z"]), ["z", "a", "b", "c"]);
  });

  it("maps keep commas inside quotes, as velero's do", () => {
    const parse = mapParser("--labels");
    assert.deepEqual(parse('"a=1,2=3",b=c'), { a: "1,2=3", b: "c" });
    assert.deepEqual(parse('"a=say ""hi"""'), { a: 'say "hi"' });
    assert.deepEqual(parse("b=d", { a: "1", b: "c" }), { a: "1", b: "d" });
    assert.deepEqual(parse("empty="), { empty: "" });
    assert.throws(() => parse("a"), /--labels a: write it like key=value,other=value/);
    assert.throws(() => parse("=a"), /write it like/);
  });

  it("namespace mappings have a colon between source and target", () => {
    assert.deepEqual(mapParser("--namespace-mappings", ":")("shop:test,db:db2"), { shop: "test", db: "db2" });
  });

  it("choices take Go's words for true and false", () => {
    const parse = choiceParser("--default");
    assert.deepEqual(["true", "T", "1"].map(parse), [true, true, true]);
    assert.deepEqual(["false", "F", "0"].map(parse), [false, false, false]);
    assert.throws(() => parse("yes"), /--default=yes: write --default, --default=true or --default=false/);
  });

  it("durations stay text, and days are told in hours", () => {
    const parse = durationParser("--ttl");
    assert.equal(parse("1h30m"), "1h30m");
    assert.throws(() => parse("30d"), /--ttl 30d: in hours: 720h/);
    assert.throws(() => parse("-1h"), /--ttl -1h: write it like 72h/);
    assert.throws(() => parse("soon"), /write it like/);
  });

  it("counts and words refuse anything else", () => {
    assert.equal(countParser("--n")("12"), 12);
    for (const text of ["-1", "1.5", "x", ""]) assert.throws(() => countParser("--n")(text), /give a whole number/);
    assert.equal(wordParser("--mode", ["ReadOnly", "ReadWrite"])("readonly"), "ReadOnly");
    assert.throws(() => wordParser("-o", ["a", "b", "c"])("d"), /-o d: choose a, b or c/);
  });

  it("ordered resources are lists by kind", () => {
    assert.deepEqual(parseOrderedResources("pods=ns1/a,ns1/b; persistentvolumes=pv4"), {
      pods: "ns1/a,ns1/b",
      persistentvolumes: "pv4",
    });
    for (const text of ["pods", "pods=", "=a", "a=b=c"])
      assert.throws(() => parseOrderedResources(text), /write it like/);
  });

  it("a field that nobody asked for is absent, and null stays", () => {
    assert.deepEqual(withoutUndefined({ a: undefined, b: null, c: false }), { b: null, c: false });
  });
});
