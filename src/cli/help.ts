// The layout of help texts: verbs before options, a verb's own options only, arguments without noise.
import { type Command, Help } from "commander";

/** Heading of the options that all commands of a program take. */
export const everyCommandGroup = "Options of every command:";

/** For `stowage repo`: its verbs, then the options that all of them take. */
export function formatRootHelp(command: Command, helper: Help): string {
  const options = helper.visibleOptions(command).filter((option) => option.helpGroupHeading !== undefined);
  const width = Math.max(...options.map((option) => helper.optionTerm(option).length));
  const items = options.map((option) =>
    helper.formatItem(helper.optionTerm(option), width, helper.optionDescription(option), helper),
  );
  const heading = options[0]?.helpGroupHeading ?? "Options:";
  return `${formatGroupHelp(command, helper).trimEnd()}\n\n${helper.formatItemList(heading, items, helper).join("\n")}`;
}

/** For commands that have others below them. */
export function formatGroupHelp(command: Command, helper: Help): string {
  const plain = variant(helper, { visibleOptions: () => [], subcommandTerm: wordsOf });
  return Help.prototype.formatHelp.call(plain, command, plain);
}

/** For verbs: the options of every command are shown once, by the help of the command above. */
export function formatVerbHelp(command: Command, helper: Help): string {
  const own = variant(helper, {
    visibleOptions: (shown: Command) =>
      helper.visibleOptions(shown).filter((option) => option.helpGroupHeading !== everyCommandGroup),
  });
  return Help.prototype.formatHelp.call(own, command, own);
}

function variant(helper: Help, changes: object): Help {
  return Object.assign(Object.create(helper) as Help, changes);
}

function wordsOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const word = argument.name() + (argument.variadic ? "..." : "");
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  return [command.name(), ...words].join(" ");
}
