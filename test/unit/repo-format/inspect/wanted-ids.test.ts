import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { WantedIds } from "../../../../repo-format/inspect/wanted-ids.ts";

const id = "0123456789abcdef".repeat(4);

test("an id is wanted under its full name or under its first digits", () => {
  assert.equal(new WantedIds([id]).nameOf(id), id);
  assert.equal(new WantedIds(["01234567"]).nameOf(id), "01234567");
  assert.equal(new WantedIds(["0123456788"]).nameOf(id), undefined);
  assert.equal(new WantedIds([id, "01234567"]).size, 2);
});

test("what is too short, too long or no number names nothing", () => {
  for (const name of ["", "0123456", `${id}0`, "0123456G", "*.log", id.toUpperCase()])
    assert.throws(
      () => new WantedIds([name]),
      (error) => RepositoryError.is(error, "argument-invalid"),
      name,
    );
});
