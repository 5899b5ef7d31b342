// Drives sigstore-js as its own command line cannot be driven: with a trusted
// root and a signing config from files.
//
//   node sigstore.mjs sign   FILE BUNDLE SIGNING_CONFIG TOKEN
//   node sigstore.mjs attest STATEMENT BUNDLE SIGNING_CONFIG TOKEN
//   node sigstore.mjs verify FILE BUNDLE TRUSTED_ROOT IDENTITY ISSUER
import { readFileSync, writeFileSync } from 'node:fs';
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle';
import { SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs';
import { bundleBuilderFromSigningConfig } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

async function sign(bundleType, file, bundle, config, token) {
  const builder = bundleBuilderFromSigningConfig({
    signingConfig: SigningConfig.fromJSON(json(config)),
    identityProvider: { getToken: async () => readFileSync(token, 'utf8').trim() },
    bundleType,
  });
  const type = bundleType === 'dsseEnvelope' ? 'application/vnd.in-toto+json' : undefined;
  const signed = await builder.create({ data: readFileSync(file), type });
  writeFileSync(bundle, JSON.stringify(bundleToJSON(signed)));
}

function verify(file, bundle, root, identity, issuer) {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(root)));
  const read = bundleFromJSON(json(bundle));
  const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  // The identity is an expression to them.
  const subject = `^${identity.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`;
  verifier.verify(toSignedEntity(read, readFileSync(file)), {
    subjectAlternativeName: subject,
    extensions: { issuer },
  });
}

const [command, ...words] = process.argv.slice(2);
switch (command) {
  case 'sign':
    await sign('messageSignature', ...words);
    break;
  case 'attest':
    await sign('dsseEnvelope', ...words);
    break;
  case 'verify':
    verify(...words);
    break;
  default:
    throw new Error(`unknown command ${command}`);
}
