// Says what AsyncAPI's own parser thinks of a document: node asyncapi.mjs FILE
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
console.log(JSON.stringify({
  operations: document ? document.operations().all().map((one) => one.id()) : [],
  said: diagnostics.map((one) => ({ severity: one.severity, code: one.code, message: one.message, path: one.path.join(".") })),
}));
