// stowage repo key: the passwords of a repository. Each key wraps the same master key.
import type { Command } from "commander";
import { addKey, changePassword, listKeys, type Repository, removeKey } from "../../../repo-format/index.ts";
import { formatTable } from "../output/table.ts";
import type { CommandContext } from "./command-context.ts";
import { readPassword } from "./password.ts";
import { displayTime } from "./snapshot-time.ts";

interface NewKeyFlags {
  readonly newPasswordFile?: string;
  readonly newInsecureNoPassword?: boolean;
  readonly user?: string;
  readonly host?: string;
}

const about = `List, add, remove or change the passwords. Every password opens the same master key, which never changes:
who had a password and copied the repository's key file can read on, until the data is stored in a new repository.`;

const examples = `
Examples:
  stowage repo key list
  stowage repo key add --new-password-file /run/secrets/second
  stowage repo key passwd
  stowage repo key remove 3f6dcf87`;

export function addKeyCommand(parent: Command, context: CommandContext): void {
  const key = parent
    .command("key")
    .summary("list, add, remove or change the passwords")
    .description(about)
    .usage("list | add | remove ID | passwd")
    .addHelpText("after", examples);
  key
    .command("list")
    .description("List the keys; * marks the one in use.")
    .action(async () => {
      await context.withLockedRepository(context.readLock, (repository) => showKeys(repository, context));
    });
  withNewKey(key.command("add").description("Add a password. The new key is tried before it is reported.")).action(
    async (flags: NewKeyFlags) => {
      await context.withLockedRepository("shared", async (repository) => {
        const id = await addKey(repository, { password: await newPassword(flags, context.signal), ...ownerOf(flags) });
        context.output.print(`saved new key with ID ${id}`);
      });
    },
  );
  key
    .command("remove")
    .description("Remove a password. The one in use cannot be removed.")
    .argument("<id>", "id or unique beginning of it")
    .action(async (id: string) => {
      await context.withLockedRepository("exclusive", async (repository) => {
        const removed = await removeKey(repository, id);
        context.output.print(`removed key ${removed}`);
      });
    });
  withNewKey(key.command("passwd").description("Change the password of the key in use.")).action(
    async (flags: NewKeyFlags) => {
      await context.withLockedRepository("exclusive", async (repository) => {
        const id = await changePassword(repository, await newPassword(flags, context.signal), ownerOf(flags));
        context.output.print(`saved new key as ${id}`);
      });
    },
  );
}

function ownerOf({ user, host }: NewKeyFlags): { readonly username?: string; readonly hostname?: string } {
  return { ...(user === undefined ? {} : { username: user }), ...(host === undefined ? {} : { hostname: host }) };
}

function withNewKey(command: Command): Command {
  return command
    .option("--user <name>", "user name of the new key")
    .option("--host <name>", "host name of the new key")
    .option("--new-password-file <file>", "file that holds the new password")
    .option("--new-insecure-no-password", "make the new password empty; must be asked for by name");
}

function newPassword(flags: NewKeyFlags, signal: AbortSignal): Promise<string> {
  return readPassword(
    {
      file: flags.newPasswordFile,
      command: undefined,
      value: undefined,
      allowEmpty: flags.newInsecureNoPassword === true,
    },
    { question: "enter the new password: ", confirm: true, signal },
  );
}

async function showKeys(repository: Repository, { output, signal }: CommandContext): Promise<void> {
  const keys = await listKeys(repository, signal);
  if (output.isJson) {
    const rows = keys.map(({ id, key }) => ({
      current: id === repository.keyId,
      id,
      userName: key.username,
      hostName: key.hostname,
      created: displayTime(key.created),
    }));
    return output.result(`${JSON.stringify(rows)}\n`);
  }
  const rows = keys.map(({ id, key }) => [
    `${id === repository.keyId ? "*" : " "}${id.slice(0, 8)}`,
    key.username,
    key.hostname,
    displayTime(key.created),
  ]);
  output.result(formatTable({ head: [" ID", "User", "Host", "Created"], rows }));
}
