// What check-layers.ts and the tests use of layers.mjs, which is JavaScript because dependency-cruiser reads it too.
declare const layers: {
  readonly forbidden: readonly { readonly name: string; readonly comment: string }[];
  readonly options: object;
};
// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads its settings from the default export
export default layers;
