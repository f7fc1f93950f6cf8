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

export function addKeyCommand(parent: Command, context: CommandContext): void {
  const key = parent.command("key").description("list, add, remove or change the passwords");
  key
    .command("list")
    .description("list the keys; * marks the one in use")
    .action(async () => {
      await context.withLockedRepository(context.readLock, (repository) => showKeys(repository, context));
    });
  withNewPassword(key.command("add").description("add a password"))
    .option("--user <name>", "user name of the new key")
    .option("--host <name>", "host name of the new key")
    .action(async (flags: NewKeyFlags) => {
      await context.withLockedRepository("shared", async (repository) => {
        const password = await newPassword(flags);
        const owner = {
          ...(flags.user === undefined ? {} : { username: flags.user }),
          ...(flags.host === undefined ? {} : { hostname: flags.host }),
        };
        const id = await addKey(repository, { password, ...owner });
        context.output.print(`saved new key with ID ${id}`);
      });
    });
  key
    .command("remove")
    .description("remove a password")
    .argument("<id>", "id or unique beginning of it")
    .action(async (id: string) => {
      await context.withLockedRepository("exclusive", async (repository) => {
        const removed = await removeKey(repository, id);
        context.output.print(`removed key ${removed}`);
      });
    });
  withNewPassword(key.command("passwd").description("change the password of the key in use")).action(
    async (flags: NewKeyFlags) => {
      await context.withLockedRepository("exclusive", async (repository) => {
        const id = await changePassword(repository, await newPassword(flags));
        context.output.print(`saved new key as ${id}`);
      });
    },
  );
}

function withNewPassword(command: Command): Command {
  return command
    .option("--new-password-file <file>", "file that holds the new password")
    .option("--new-insecure-no-password", "make the new password empty; must be asked for by name");
}

function newPassword(flags: NewKeyFlags): Promise<string> {
  return readPassword(
    {
      file: flags.newPasswordFile,
      command: undefined,
      value: undefined,
      allowEmpty: flags.newInsecureNoPassword === true,
    },
    { question: "enter the new password: ", confirm: true },
  );
}

async function showKeys(repository: Repository, context: CommandContext): Promise<void> {
  const keys = await listKeys(repository);
  if (context.output.isJson) {
    const rows = keys.map(({ id, key }) => ({
      current: id === repository.keyId,
      id: id.slice(0, 8),
      userName: key.username,
      hostName: key.hostname,
      created: displayTime(key.created),
    }));
    return context.output.result(`${JSON.stringify(rows)}\n`);
  }
  const rows = keys.map(({ id, key }) => [
    `${id === repository.keyId ? "*" : " "}${id.slice(0, 8)}`,
    key.username,
    key.hostname,
    displayTime(key.created),
  ]);
  context.output.result(formatTable({ head: [" ID", "User", "Host", "Created"], rows }));
}
