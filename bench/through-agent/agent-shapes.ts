// The shapes that the agent is measured by, and what is wanted of it there.
import {
  type Corpus,
  corpora,
  manyVolumeBytes,
  manyVolumeCount,
  scaledBy,
  volumeBytes,
  volumeCount,
} from "../against-peers/corpora.ts";
import type { OtherShape } from "../against-peers/shape.ts";
import { afterRestore, again, backup, wanting } from "../against-peers/steps.ts";
import { apiWrites, peak, readOfBytes, wallAgainst } from "../against-peers/targets.ts";
import { measureAfterRestore } from "./after-restore.ts";
import { measureUnchanged } from "./unchanged.ts";
import { measureVolumes, volumesStep } from "./volumes.ts";

const small = peak(256);

/** The agent on a control plane of its own, its repository on S3, against kopia's processes on the same S3. */
function throughAgent(corpus: Corpus, what: string, minutesPerRound: number): OtherShape {
  return {
    name: `agent-${corpus.name}`,
    what: `${what}, through a running agent, against kopia as a process, both on S3`,
    corpus,
    onCopy: true,
    contestants: ["stowage", "kopia"],
    steps: () => [
      wanting({ name: backup.name }, small),
      wanting({ name: again.name }, wallAgainst("better peer", 0.5), small),
    ],
    measure: measureUnchanged,
    minutesPerRound,
  };
}

const agentAfterRestore: OtherShape = {
  name: "agent-after-restore",
  what: "2 GiB in 4 files, backed up, lost, restored and at once backed up again, all through a running agent",
  corpus: corpora.large,
  onCopy: true,
  contestants: ["stowage"],
  steps: (scale) => [
    wanting({ name: backup.name }, small),
    wanting({ name: afterRestore.name }, readOfBytes(corpora.large.expected(scaledBy(scale)).bytes, 0.01), small),
  ],
  measure: measureAfterRestore,
  minutesPerRound: 1,
};

const volumes: OtherShape = {
  name: "volumes",
  what: `${volumeCount} volumes of ${volumeBytes / 1e6} MB through a running agent, against a restic process for each, all on S3`,
  corpus: corpora.volumes,
  onCopy: true,
  contestants: ["stowage", "restic"],
  steps: () => [wanting({ name: volumesStep }, wallAgainst("restic", 0.1), apiWrites(6), small)],
  measure: measureVolumes,
  minutesPerRound: 3,
};

const manyVolumes: OtherShape = {
  name: "many-volumes",
  what: `${manyVolumeCount} PodVolumeBackups of ${manyVolumeBytes / 1000} kB each through a running agent: what they ask of the API server`,
  corpus: corpora.manyVolumes,
  onCopy: true,
  contestants: ["stowage"],
  steps: () => [wanting({ name: volumesStep }, apiWrites(6), small)],
  measure: measureVolumes,
  minutesPerRound: 2,
};

export const agentShapes: readonly OtherShape[] = [
  throughAgent(corpora.large, "2 GiB in 4 files", 2),
  throughAgent(corpora.small, "40,000 small files", 1),
  agentAfterRestore,
  volumes,
  manyVolumes,
];
