// stowage repo ls: lists the files of a snapshot.
import type { Command } from "commander";
import { findTree, type ListedNode, ls, resolveSnapshot } from "../../../repo-format/index.ts";
import { fileModeText } from "../output/file-mode-text.ts";
import { formatBytes } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { displayTime } from "./snapshot-time.ts";

interface LsFlags extends SnapshotFilterFlags {
  readonly long?: boolean;
  readonly recursive?: boolean;
  readonly humanReadable?: boolean;
}

export function addLsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("ls")
    .description("list the files of a snapshot")
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .argument("[dirs...]", "absolute paths in the snapshot to list")
    .option("-l, --long", "with mode, owner, size and time")
    .option("--recursive", "with dirs: all that is below them")
    .option("--human-readable", "with --long: sizes with a unit");
  addSnapshotFilterOptions(command).action(async (name: string, dirs: string[], flags: LsFlags) => {
    await context.withLockedRepository(context.readLock, async (repository, signal) => {
      const found = await resolveSnapshot(repository, name, { ...snapshotFilter(flags), signal });
      await repository.refreshIndex(signal);
      const { output } = context;
      if (output.isJson) {
        output.message({ ...snapshotToJson(found), message_type: "snapshot", struct_type: "snapshot" });
      } else {
        output.print(
          `snapshot ${found.id.slice(0, 8)} of ${found.snapshot.paths.join(", ")} at ${displayTime(found.snapshot.time)}:`,
        );
      }
      const tree = await findTree(repository, found.snapshot.tree, found.subfolder, signal);
      for await (const listed of ls(repository, tree, { dirs, recursive: flags.recursive === true, signal })) {
        if (output.isJson) output.message(nodeMessage(listed));
        else
          output.result(
            Buffer.concat([
              Buffer.from(flags.long === true ? longPrefix(listed, flags) : ""),
              listed.path,
              Buffer.from("\n"),
            ]),
          );
      }
    });
  });
}

function nodeMessage({ path, node }: ListedNode): object {
  return {
    name: node.name.toString("utf8"),
    type: node.type,
    path: path.toString("utf8"),
    uid: node.uid,
    gid: node.gid,
    ...(node.type === "file" ? { size: node.size } : {}),
    mode: node.mode,
    permissions: fileModeText(node.mode),
    mtime: node.mtime,
    atime: node.atime,
    ctime: node.ctime,
    ...(node.inode === 0n ? {} : { inode: Number(node.inode) }),
    message_type: "node",
    struct_type: "node",
  };
}

function longPrefix({ node }: ListedNode, flags: LsFlags): string {
  const size = flags.humanReadable === true ? formatBytes(node.size).padStart(11) : String(node.size).padStart(9);
  return `${fileModeText(node.mode)} ${String(node.uid).padStart(5)} ${String(node.gid).padStart(5)} ${size} ${displayTime(node.mtime)} `;
}
