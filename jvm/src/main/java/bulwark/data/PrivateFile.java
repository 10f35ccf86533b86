// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static java.nio.file.attribute.PosixFilePermission.GROUP_READ;
import static java.nio.file.attribute.PosixFilePermission.OWNER_READ;
import static java.nio.file.attribute.PosixFilePermission.OWNER_WRITE;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Files with secrets, which nobody else may read. */
public final class PrivateFile {
  private static final Set<PosixFilePermission> OWN = Set.of(OWNER_READ, OWNER_WRITE);
  private static final Set<PosixFilePermission> MOUNTED = Set.of(OWNER_READ, GROUP_READ);
  private static final int ROOT = 0;

  private PrivateFile() {}

  /**
   * Demands that a file is this user's alone; or, as Kubernetes mounts a Secret, in memory, root's, and readable by a
   * group of this process, which in a pod nobody else has (the kubelet adds the group where fsGroup is set).
   *
   * @throws DataKeyException KEYRING_UNSAFE
   * @throws IOException when the file is not there
   */
  public static void require(Path file) throws IOException {
    Map<String, Object> attributes = Files.readAttributes(file, "unix:uid,gid,permissions");
    @SuppressWarnings("unchecked")
    Set<PosixFilePermission> permissions = (Set<PosixFilePermission>) attributes.get("permissions");
    int owner = (int) attributes.get("uid");
    UnixSystem user = new UnixSystem();
    if (owner == user.getUid() && OWN.containsAll(permissions)) {
      return;
    }
    boolean ours = isOurs((int) attributes.get("gid"), user);
    if (owner == ROOT && ours && MOUNTED.containsAll(permissions) && isInMemory(file)) {
      return;
    }
    throw new DataKeyException("KEYRING_UNSAFE", file + " can be read by other users, or belongs to one");
  }

  private static boolean isOurs(int group, UnixSystem user) {
    IntStream groups = Arrays.stream(user.getGroups()).mapToInt(id -> (int) id);
    return group == user.getGid() || groups.anyMatch(id -> id == group);
  }

  private static boolean isInMemory(Path file) throws IOException {
    return Files.getFileStore(file).type().equals("tmpfs");
  }
}
