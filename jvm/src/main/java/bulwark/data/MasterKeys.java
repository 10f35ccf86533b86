// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

/**
 * Whoever holds the master keys and wraps data keys with them: a keyring file, or a broker that releases them after
 * attestation. Master keys never leave it.
 */
public interface MasterKeys {
  /**
   * Wraps a data key under the current version of a master key.
   *
   * @param keyId id of the master key
   * @param dataKey the key to protect; the caller clears it
   * @return text that only {@link #unwrap} of the same master key opens; begins with the version and a colon
   * @throws DataKeyException KEY_MISSING
   */
  String wrap(String keyId, byte[] dataKey);

  /**
   * Opens what {@link #wrap} made.
   *
   * @return the data key; the caller clears it
   * @throws DataKeyException KEY_MISSING (no such key or version), KEY_WRONG (made by another key of that name),
   *     DATA_TAMPERED (the text was changed)
   */
  byte[] unwrap(String wrapped, String keyId);

  /** The version of the master key that {@link #wrap} uses now. */
  int currentVersion(String keyId);

  /** The version of the master key that a wrapped key names; it is not authenticated before it is unwrapped. */
  static int versionOf(String wrapped) {
    int colon = wrapped.indexOf(':');
    String digits = colon < 0 ? "" : wrapped.substring(0, colon);
    if (!digits.matches("[1-9][0-9]{0,8}")) {
      throw new DataKeyException("DATA_TAMPERED", "a wrapped data key does not begin with a key version");
    }
    return Integer.parseInt(digits);
  }
}
