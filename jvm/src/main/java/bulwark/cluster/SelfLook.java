// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import bulwark.data.DataKeyException;
import bulwark.data.PrivateFile;
import bulwark.launch.Secrets;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a process of the job sees of itself; executors send theirs to the driver.
 *
 * @param who "driver", or the executor's id
 * @param pod its pod
 * @param leak where one of its secrets stands in the open, or null
 * @param loose a file with secrets that others can read, or null
 * @param files how many files with secrets it has
 * @param tee the TEE it seems to run in
 */
record SelfLook(String who, String pod, String leak, String loose, int files, String tee) implements Serializable {
  private static final Path SECRETS = Path.of("/etc/bulwark/secrets");
  private static final String NOT_SEEN = "could not be seen";

  static SelfLook take(String who, String pod) {
    List<Path> files = secretFiles();
    return new SelfLook(who, pod, findLeak(), findLoose(files), files.size(), Tee.observed(Path.of("/")));
  }

  private static String findLeak() {
    return Stream.of("cmdline", "environ")
        .map(name -> "/proc/self/" + name)
        .filter(file -> read(Path.of(file)).map(Secrets::appearIn).orElse(true))
        .findFirst()
        .orElse(null);
  }

  private static java.util.Optional<String> read(Path file) {
    try {
      return java.util.Optional.of(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
    } catch (IOException unreadable) {
      return java.util.Optional.empty();
    }
  }

  private static List<Path> secretFiles() {
    // The kubelet keeps the true files in hidden folders, to exchange them all at once.
    try (Stream<Path> found = Files.walk(SECRETS, 2)) {
      return found.filter(path -> !path.toString().contains("/..") && Files.isRegularFile(path)).toList();
    } catch (IOException absent) {
      return List.of();
    }
  }

  private static String findLoose(List<Path> files) {
    for (Path file : files) {
      try {
        PrivateFile.require(file);
      } catch (DataKeyException loose) {
        return file.toString();
      } catch (IOException unreadable) {
        return file + " " + NOT_SEEN;
      }
    }
    return null;
  }
}
