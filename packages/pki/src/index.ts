// SPDX-License-Identifier: Apache-2.0
export { addDataKey, initKeys, type RotationTarget, rotateKeys } from "./change.ts";
export { deriveSecret, type IssuedElsewhere, issueElsewhere } from "./elsewhere.ts";
export { exportKubernetes, type SecretManifest, toManifest } from "./export-kubernetes.ts";
export { type Inspection, inspectKeys } from "./inspect.ts";
export { type Channel, issueChannel } from "./issue-channel.ts";
export {
  addKey,
  type DataKey,
  type DataKeySummary,
  describeKeyring,
  EMPTY_KEYRING,
  type Keyring,
  type KeyVersion,
  parseKeyring,
  rotateKey,
  selectKeys,
  serializeKeyring,
} from "./keyring.ts";
export { ROLES, type Role } from "./layout.ts";
export type { CertificateOwner, CertificateSummary } from "./manifest.ts";
export { type Keys, openKeys, type RoleFiles } from "./open.ts";
export { DEFAULT_VALIDITY, type Validity } from "./validity.ts";
