// stowage version: which version this is, in words or as restic's JSON message.
import type { Output } from "./output/output.ts";

/** restic's key names are filled, because scripts read them; `node_version` is ours. */
export function runVersion(
  words: readonly string[],
  { output, version }: { readonly output: Output; readonly version: string },
): void {
  const { platform, arch } = process;
  const node = process.version.slice(1);
  if (!words.includes("--json")) {
    output.result(`stowage ${version} on Node ${node}, ${platform}/${arch}\n`);
    return;
  }
  output.message({
    message_type: "version",
    version,
    go_version: `node${node}`,
    go_os: platform,
    go_arch: arch === "x64" ? "amd64" : arch,
    node_version: node,
  });
}
