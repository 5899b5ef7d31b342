// many.mjs MODULES FOLDER COUNT: so many bundles of a folder, verified by sigstore-js.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, folder, words] = process.argv.slice(2);
const require = createRequire(modules);
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { toSignedEntity, toTrustMaterial, Verifier } = require('@sigstore/verify');

const count = Number(words);
const read = (name) => readFileSync(`${folder}/${name}`);
const trust = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(read('trusted_root.json'))));
const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
const policy = {
  subjectAlternativeName: '^dev@example\\.com$',
  extensions: { issuer: String(read('issuer.txt')) },
};
const all = Array.from({ length: count }, (_, n) => [String(read(`${n}.json`)), read(`${n}.txt`)]);
const rounds = [];
for (let round = 0; round < 4; round += 1) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  for (const [bundle, blob] of all) {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle)), blob), policy);
  }
  const wall = Number(process.hrtime.bigint() - start) / 1e3 / count;
  const spent = process.cpuUsage(cpu);
  rounds.push({ cpu: (spent.user + spent.system) / count, wall });
}
const [, median] = rounds.slice(1).sort((a, b) => a.wall - b.wall);
console.log(JSON.stringify(median));
