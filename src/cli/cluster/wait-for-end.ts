// --wait: stays until a Backup or a Restore has ended, shows how far it is, and ends with a code that tells how it went.
import type { KubeObject, Resource } from "../../api/kube-object.ts";
import { isBackupEnded } from "../../api/phases.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatCount } from "../output/format-values.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { followObject, informerOf, whileRunning } from "./follow-object.ts";
import type { Noun } from "./noun.ts";
import { failureReasonOf, phaseOf } from "./status-text.ts";
import { type VolumeState, type WaitState, waitLines } from "./wait-lines.ts";

interface Awaited extends KubeObject {
  readonly status?: { readonly phase?: string; readonly errors?: number; readonly warnings?: number };
}

export interface WaitOptions<T extends Awaited, V extends KubeObject & VolumeState> {
  readonly noun: Noun<T>;
  readonly object: T;
  /** The kind that carries its volumes, and the label by which they are found. */
  readonly volumes: Resource<V>;
  readonly volumeSelector: string;
  readonly itemsOf: (object: T) => Pick<WaitState, "itemsDone" | "totalItems">;
}

const lineEveryMs = 10_000;
const redrawEveryMs = 1000;
/** After so long without a sign of the server a person should learn that there is none. */
const patienceMs = 30_000;

/** Says how it ended; what is not Completed becomes the command's failure. */
export async function waitForEnd<T extends Awaited, V extends KubeObject & VolumeState>(
  context: ClusterContext,
  options: WaitOptions<T, V>,
): Promise<void> {
  const { noun, object, volumes, volumeSelector } = options;
  const { name } = object.metadata;
  context.afterInterruption = `the ${noun.title} goes on without this command; stowage ${noun.word} describe ${name} shows how far it is`;
  const volumeInformer = informerOf(context, volumes, { labelSelector: volumeSelector });
  let current = object;
  const display = new Display(context, () => ({
    phase: phaseOf(current),
    ...options.itemsOf(current),
    volumes: volumeInformer.list(),
  }));
  const isDone = (state: T): boolean => isBackupEnded(state);
  const onChange = (state: T): void => {
    current = state;
    display.update();
  };
  volumeInformer.onChange(() => display.update());
  const cancelHint = context.clock.after(patienceMs, () => {
    if (phaseOf(current) === "New") hintAtServer(context, noun.title, name);
  });
  try {
    const end = await whileRunning(context, [volumeInformer], () =>
      followObject(context, { resource: noun.resource, name, isDone, onChange }),
    );
    display.stop();
    if (end.as === "done") return tellEnd(context, noun, end.object);
    context.fail(exitCodes.failure, `the ${noun.title} ${name} was deleted before it ended`);
  } finally {
    cancelHint();
    display.stop();
  }
}

function hintAtServer({ output, namespace }: ClusterContext, title: string, name: string): void {
  output.warn(
    `the ${title} ${name} is still New: the server is busy with another one, or does not run: kubectl -n ${namespace} get deployments`,
  );
}

/** Shows the state: in place on a terminal, elsewhere a line for each phase and one every ten seconds. */
class Display {
  readonly #context: ClusterContext;
  readonly #read: () => Omit<WaitState, "secondsElapsed">;
  readonly #startMs: number;
  #shownPhase = "";
  #shownMs = Number.NEGATIVE_INFINITY;
  #cancelTick: (() => void) | undefined;

  constructor(context: ClusterContext, read: () => Omit<WaitState, "secondsElapsed">) {
    this.#context = context;
    this.#read = read;
    this.#startMs = context.now();
    if (context.output.isTerminal) this.#tick();
  }

  update(): void {
    const { output } = this.#context;
    const nowMs = this.#context.now();
    const state = this.#read();
    const lines = waitLines({ ...state, secondsElapsed: (nowMs - this.#startMs) / 1000 });
    if (output.isTerminal) {
      output.status(lines);
      return;
    }
    if (state.phase === this.#shownPhase && nowMs - this.#shownMs < lineEveryMs) return;
    this.#shownPhase = state.phase;
    this.#shownMs = nowMs;
    output.print(lines[0] ?? "");
  }

  stop(): void {
    this.#cancelTick?.();
    this.#context.output.clearStatus();
  }

  /** The clock on a terminal goes on while nothing changes. */
  #tick(): void {
    this.#cancelTick = this.#context.clock.after(redrawEveryMs, () => {
      this.#tick();
      this.update();
    });
  }
}

function tellEnd<T extends Awaited>(context: ClusterContext, { word, title }: Noun<T>, object: T): void {
  const { name } = object.metadata;
  const { errors = 0, warnings = 0, phase } = object.status ?? {};
  const counts = [
    errors > 0 ? formatCount(errors, "error") : "",
    warnings > 0 ? formatCount(warnings, "warning") : "",
  ].filter((part) => part !== "");
  const how = `${phase}${counts.length > 0 ? ` (${counts.join(", ")})` : ""}`;
  if (phase === "Completed") {
    context.output.print(`The ${title} ${name} is ${how}.`);
    return;
  }
  const reason = failureReasonOf(object);
  const look = phase === "FailedValidation" ? `stowage ${word} describe ${name}` : `stowage ${word} logs ${name}`;
  const words = `the ${title} ${name} is ${how}${reason === "" ? "" : `: ${reason}`}\n  next: ${look}`;
  context.fail(phase === "PartiallyFailed" ? exitCodes.incomplete : exitCodes.failure, words);
}
