// Options of @hey-api/openapi-ts.

// An answer is a whole row, or a part of one when `fields` asks for it: the types are of the whole.
function dropParts(node) {
  if (node === null || typeof node !== "object") return;
  if (Array.isArray(node.anyOf)) {
    node.anyOf = node.anyOf.filter((schema) => !schema.$ref?.endsWith("Part"));
  }
  Object.values(node).forEach(dropParts);
}

export default {
  input: "openapi.json",
  output: {
    path: "truledgr-client",
    // Node.js runs the client as it is; a bundler needs no extension, and does not mind this one.
    module: { extension: ".ts" },
  },
  parser: {
    patch: dropParts,
    // What is sent has schemas of its own in the document already.
    transforms: { readWrite: false },
  },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
