// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.IOException;
import java.io.InputStream;

/** Ties a process to who started it: standard input is a pipe that only that one holds, and its end is the end. */
final class Lifeline {
  /** Exit status of a process whose parent died, as a shell shows SIGTERM. */
  private static final int PARENT_GONE = 143;

  private Lifeline() {}

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
