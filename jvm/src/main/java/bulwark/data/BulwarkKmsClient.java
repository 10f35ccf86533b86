// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.crypto.keytools.KmsClient;

/** What Parquet's key tools ask for keys: the master keys of this process. */
public final class BulwarkKmsClient implements KmsClient {
  private MasterKeys masterKeys;

  @Override
  public void initialize(Configuration conf, String instanceId, String instanceUrl, String accessToken) {
    masterKeys = Keyring.ofProcess();
  }

  @Override
  public String wrapKey(byte[] key, String masterKeyId) {
    return masterKeys.wrap(masterKeyId, key);
  }

  @Override
  public byte[] unwrapKey(String wrapped, String masterKeyId) {
    return masterKeys.unwrap(wrapped, masterKeyId);
  }
}
