// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.IOException;
import java.io.InputStream;

/**
 * Ties this process to its parent: standard input is a pipe that only the parent holds, so its end means that the
 * parent is gone, however it died. Then this JVM halts at once.
 */
final class Lifeline {
  /** Exit status of a JVM whose parent died, as a shell shows SIGTERM. */
  private static final int PARENT_GONE = 143;

  private Lifeline() {}

  /** Starts watching, and gives the application an empty standard input in place of the pipe. */
  static void watch() {
    InputStream parent = System.in;
    System.setIn(InputStream.nullInputStream());
    Thread watcher = new Thread(() -> waitForEnd(parent), "bulwark-lifeline");
    watcher.setDaemon(true);
    watcher.start();
  }

  private static void waitForEnd(InputStream parent) {
    try {
      while (parent.read() >= 0) {
        // Nothing is ever said on this pipe; only its end matters.
      }
    } catch (IOException gone) {
      // A broken pipe is an end, too.
    }
    Runtime.getRuntime().halt(PARENT_GONE);
  }
}
