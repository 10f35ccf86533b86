// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.conf.Configured;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionInputStream;
import org.apache.hadoop.io.compress.CompressionOutputStream;
import org.apache.hadoop.io.compress.Compressor;
import org.apache.hadoop.io.compress.Decompressor;

/**
 * Encryption for text formats (CSV, JSON, text, the metadata of Spark's models), in the place of a compression codec.
 * Files end in {@code .aesgcm} and are not splittable: each is read by one task, so write several.
 */
public final class AesGcmCodec extends Configured implements CompressionCodec {
  /** Hadoop setting with the id of the master key: a codec is not told which file it writes. */
  static final String KEY_SETTING = "bulwark.text.key";

  static final String SUFFIX = ".aesgcm";

  /** For Hadoop, which sets the configuration afterwards. */
  public AesGcmCodec() {}

  AesGcmCodec(Configuration conf) {
    super(conf);
  }

  @Override
  public CompressionOutputStream createOutputStream(OutputStream out) throws IOException {
    String keyId = getConf().getTrimmed(KEY_SETTING, getConf().getTrimmed(Datasets.DEFAULT_KEY));
    if (keyId == null) {
      throw new DataKeyException("KEY_MISSING", "no key is named for text files; the setting is " + KEY_SETTING);
    }
    return new AesGcmOutput(out, Keyring.ofProcess(), keyId);
  }

  @Override
  public CompressionInputStream createInputStream(InputStream in) throws IOException {
    return new AesGcmInput(in, Keyring.ofProcess());
  }

  @Override
  public CompressionOutputStream createOutputStream(OutputStream out, Compressor none) throws IOException {
    return createOutputStream(out);
  }

  @Override
  public CompressionInputStream createInputStream(InputStream in, Decompressor none) throws IOException {
    return createInputStream(in);
  }

  @Override
  public String getDefaultExtension() {
    return SUFFIX;
  }

  // Hadoop pools compressors where there are any; the streams do the work here.
  @Override
  public Class<? extends Compressor> getCompressorType() {
    return null;
  }

  @Override
  public Compressor createCompressor() {
    return null;
  }

  @Override
  public Class<? extends Decompressor> getDecompressorType() {
    return null;
  }

  @Override
  public Decompressor createDecompressor() {
    return null;
  }
}
