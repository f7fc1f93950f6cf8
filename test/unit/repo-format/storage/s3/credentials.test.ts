import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { credentialsProvider } from "../../../../../repo-format/storage/s3/credentials.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const region = "us-east-1";

describe("credentialsProvider", () => {
  it("gives keys that are set as they are, with a session token only when there is one", async () => {
    const keys = { accessKeyId: "key", secretAccessKey: "secret" };
    assert.deepEqual(await credentialsProvider(keys, region)(), keys);
    assert.deepEqual(await credentialsProvider({ ...keys, sessionToken: "" }, region)(), keys);
    const temporary = { ...keys, sessionToken: "token" };
    assert.deepEqual(await credentialsProvider(temporary, region)(), temporary);
  });

  it("names the missing half of a key pair, never the other half", () => {
    assert.throws(() => credentialsProvider({ accessKeyId: "key-id" }, region), {
      code: "storage-misconfigured",
      message: "the secret access key of the S3 credentials is missing",
    });
    assert.throws(() => credentialsProvider({ secretAccessKey: "secret", accessKeyId: "" }, region), {
      message: "the access key id of the S3 credentials is missing",
    });
  });

  it("reads the section of a credentials text, with any spacing, line ends and comments", async () => {
    const text = [
      "# comment",
      "[default]",
      "aws_access_key_id=default-key",
      "aws_secret_access_key = de/fault+secret=",
      "",
      "  [ other ] ; comment",
      "  AWS_ACCESS_KEY_ID  =  other-key  ",
      "; aws_access_key_id = commented",
      "aws_secret_access_key=other-secret",
      "aws_session_token = other-token",
    ];
    for (const end of ["\n", "\r\n"]) {
      const sharedCredentials = text.join(end);
      assert.deepEqual(await credentialsProvider({ sharedCredentials }, region)(), {
        accessKeyId: "default-key",
        secretAccessKey: "de/fault+secret=",
      });
      assert.deepEqual(await credentialsProvider({ sharedCredentials, profile: "other" }, region)(), {
        accessKeyId: "other-key",
        secretAccessKey: "other-secret",
        sessionToken: "other-token",
      });
    }
  });

  it("says which section a credentials text lacks, and quotes nothing of it", () => {
    const sharedCredentials = "[default]\naws_access_key_id=k\naws_secret_access_key=s";
    assert.throws(() => credentialsProvider({ sharedCredentials, profile: "none" }, region), {
      code: "storage-misconfigured",
      message: "the S3 credentials have no section [none]",
    });
    assert.throws(() => credentialsProvider({ sharedCredentials: "not an ini file" }, region), {
      message: "the S3 credentials have no section [default]",
    });
  });

  it("leaves a text without keys to the SDK, and no file behind", async () => {
    const keys = '{"Version":1,"AccessKeyId":"made","SecretAccessKey":"by a process"}';
    const sharedCredentials = `[default]\ncredential_process = echo '${keys}'\n`;
    const found = await credentialsProvider({ sharedCredentials }, region)();
    assert.deepEqual([found.accessKeyId, found.secretAccessKey], ["made", "by a process"]);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith("stowage-credentials-")),
      [],
    );
  });

  it("reads a credentials file anew when it has changed", async (t) => {
    const sharedCredentialsFile = join(temporaryDirectory(t), "credentials");
    const provider = credentialsProvider({ sharedCredentialsFile, profile: "ours" }, region);
    for (const key of ["first", "second"]) {
      writeFileSync(sharedCredentialsFile, `[ours]\naws_access_key_id=${key}\naws_secret_access_key=secret\n`);
      assert.equal((await provider()).accessKeyId, key);
    }
  });
});
