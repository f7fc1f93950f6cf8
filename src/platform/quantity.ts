// Kubernetes' quantity text ("10Gi", "1.5G", "500m", "1e3") as a number.

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
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
  return Number(`${number}${exponent}`) * (factors[suffix] as number);
}
