#!/usr/bin/env node
// A foreign age for the tests, on npm's age-encryption, in the words of the stock one:
//   age.mjs -d -i IDENTITIES [FILE]     age.mjs -r RECIPIENT… [FILE]     age.mjs --new
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";

const words = process.argv.slice(2);
const given = { "-i": [], "-r": [] };
const rest = [];
while (words.length) {
  const word = words.shift();
  if (word in given) given[word].push(words.shift());
  else if (word !== "-d") rest.push(word);
}
if (rest[0] === "--new") {
  const identity = await generateHybridIdentity();
  console.log(`# public key: ${await identityToRecipient(identity)}\n${identity}`);
} else {
  const data = readFileSync(rest[0] ?? 0);
  let result;
  if (given["-r"].length) {
    const encrypter = new Encrypter();
    given["-r"].forEach((recipient) => encrypter.addRecipient(recipient));
    result = await encrypter.encrypt(data);
  } else {
    const decrypter = new Decrypter();
    for (const line of given["-i"].flatMap((file) => readFileSync(file, "utf8").split("\n")))
      if (line && !line.startsWith("#")) decrypter.addIdentity(line.trim());
    result = await decrypter.decrypt(data, "uint8array");
  }
  writeFileSync(1, result);
}
