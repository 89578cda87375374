// The library, compiled to WebAssembly. Its exports are those of src/exports.rs.
async function load() {
  const packed = Uint8Array.from(atob(WASM), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { instance } = await WebAssembly.instantiate(await new Response(unpacked).arrayBuffer());
  return instance.exports;
}
