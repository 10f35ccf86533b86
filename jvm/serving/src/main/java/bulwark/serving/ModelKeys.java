// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

/**
 * What opens models that are encrypted.
 *
 * @param older opens what BigDL encrypted; null where that is off
 */
record ModelKeys(Keyring keyring, OlderBlob older) {}
