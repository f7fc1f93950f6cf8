// Container images made by hand: ours by following the Dockerfile over the C library and Node of this machine, and small
// ones around busybox. Each is a tar file as `docker save` writes it.
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { withBuildLock } from "../../peers/build-lock.ts";
import {
  copyProductionPackages,
  followBuildStage,
  followRuntimeStage,
  type ImageSettings,
  readDockerfile,
  repositoryRoot,
} from "../../support/dockerfile.ts";
import { runProcess } from "../../support/processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "../../support/temporary-directory.ts";

/** As manifests/ name it; without a registry's name it is Docker's. */
const stowageImage = "docker.io/library/stowage:0.1.0";
export const busyboxImage = "localhost/busybox:1";
export const pauseImage = "localhost/pause:1";

export interface BuiltImage {
  readonly tarFile: string;
  /** Uncompressed, as it lies on a node. */
  readonly sizeBytes: number;
}

/** Built once for the same sources: tests start their nodes side by side. */
export async function buildStowageImage(): Promise<BuiltImage> {
  const tarFile = join(homedir(), ".cache", "stowage", "images", `${hashOfSources()}.tar`);
  await withBuildLock(tarFile, async () => {
    if (existsSync(tarFile)) return;
    mkdirSync(dirname(tarFile), { recursive: true });
    const folder = makeTemporaryDirectory("image");
    try {
      const dockerfile = readDockerfile();
      const [buildFolder, root] = [join(folder, "build"), join(folder, "root")];
      mkdirSync(buildFolder);
      await addBase(root);
      await followBuildStage(dockerfile, buildFolder);
      const settings = followRuntimeStage(dockerfile, { buildFolder, root, copyModules: copyProductionPackages });
      await pack({ root, name: stowageImage, settings, tarFile: `${tarFile}.part` });
      renameSync(`${tarFile}.part`, tarFile);
    } finally {
      removeDirectory(folder);
    }
  });
  return { tarFile, sizeBytes: statSync(tarFile).size };
}

/** busybox under all its names, and the same as the pause image of pods. */
export async function buildBusyboxImages(folder: string): Promise<readonly string[]> {
  const root = join(folder, "busybox");
  const program = join(root, "bin", "busybox");
  copyInto("/bin/busybox", program);
  for (const name of ["tmp", "proc", "sys", "dev", "etc"]) mkdirSync(join(root, name));
  chmodSync(join(root, "tmp"), 0o1777);
  const { stdout } = await runProcess(program, { args: ["--install", join(root, "bin")] });
  if (!existsSync(join(root, "bin", "sh"))) throw new Error(`busybox did not install its names: ${stdout}`);
  const settings = { environment: ["PATH=/bin"], user: "", labels: {} };
  const images = [
    { name: busyboxImage, settings: { ...settings, entrypoint: [] } },
    { name: pauseImage, settings: { ...settings, entrypoint: ["/bin/sleep", "2000000000"] } },
  ];
  const files = images.map((image, index) => ({ ...image, root, tarFile: join(folder, `image${index}.tar`) }));
  for (const file of files) await pack(file);
  return files.map((file) => file.tarFile);
}

/** What Debian's slim image with Node brings, as far as our program uses it: `env`, Node, and the libraries of both. */
async function addBase(root: string): Promise<void> {
  const node = realpathSync(join(repositoryRoot, "node_modules", ".bin", "node"));
  const env = "/usr/bin/env";
  copyInto(node, join(root, "usr", "local", "bin", "node"));
  copyInto(env, join(root, env));
  const { stdout } = await runProcess("ldd", { args: [node, env] });
  // One line per library: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", or the loader's path alone.
  const libraries = new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path));
  for (const library of libraries) copyInto(realpathSync(library), join(root, library));
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc", "passwd"), "root:x:0:0:root:/root:/usr/sbin/nologin\n");
  writeFileSync(join(root, "etc", "group"), "root:x:0:\n");
  for (const name of ["tmp", "proc", "sys", "dev", "root"]) mkdirSync(join(root, name));
  chmodSync(join(root, "tmp"), 0o1777);
}

function copyInto(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, 0o755);
}

interface PackOptions {
  readonly root: string;
  readonly name: string;
  readonly settings: ImageSettings;
  readonly tarFile: string;
}

async function pack({ root, name, settings, tarFile }: PackOptions): Promise<void> {
  const folder = makeTemporaryDirectory("layers");
  try {
    const owners = ["--numeric-owner", "--owner=0", "--group=0", "--sort=name"];
    await tar(["-cf", join(folder, "layer.tar"), ...owners, "-C", root, "."]);
    const layer = await runProcess("sha256sum", { args: [join(folder, "layer.tar")] });
    const config = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: {
        Env: settings.environment,
        User: settings.user,
        Entrypoint: settings.entrypoint,
        Labels: settings.labels,
      },
      rootfs: { type: "layers", diff_ids: [`sha256:${layer.stdout.slice(0, 64)}`] },
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    await tar(["-cf", tarFile, "-C", folder, "manifest.json", "config.json", "layer.tar"]);
  } finally {
    removeDirectory(folder);
  }
}

async function tar(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess("tar", { args });
  if (code !== 0) throw new Error(`tar ${args.join(" ")}: ${stderr}`);
}

/** Of everything that decides the image's bytes. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  const sources = globSync("{src,agent,repo-format}/**/*.ts", { cwd: repositoryRoot }).sort();
  const others = [
    "Dockerfile",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    ".ci/build.json",
    ".ci/build.mjs",
  ];
  const makers = ["test/node/support/images.ts", "test/support/dockerfile.ts"];
  for (const file of [...sources, ...others, ...makers]) {
    hash.update(`${file}\n`).update(readFileSync(join(repositoryRoot, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
