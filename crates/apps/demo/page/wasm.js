/** The exports of a module of WebAssembly, which needs no imports. Those of the library are in src/exports.rs. */
async function load(module) {
  const packed = Uint8Array.from(atob(module), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { instance } = await WebAssembly.instantiate(await new Response(unpacked).arrayBuffer());
  return instance.exports;
}
