// Kubernetes' quantity text ("10Gi", "1.5G", "500m", "1e3") as a number.

/** Powers of ten; as texts, so that the number is parsed once and rounded once. */
const decimal: Readonly<Record<string, string>> = {
  n: "e-9",
  u: "e-6",
  m: "e-3",
  k: "e3",
  M: "e6",
  G: "e9",
  T: "e12",
  P: "e15",
  E: "e18",
};
const binary: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const wholeText = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** The number, exact up to 2^53; undefined when the text is no quantity. */
export function parseQuantity(text: string): number | undefined {
  const found = wholeText.exec(text);
  if (found === null) return undefined;
  const [, number = "", exponent = "", suffix = ""] = found;
  return Number(`${number}${decimal[suffix] ?? exponent}`) * (binary[suffix] ?? 1);
}
