// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** The kept log that a driver opens when it begins: files of a claim, or objects of a store. */
final class LogOfProcess {
  static final Optional<KeptLog> KEPT =
      Optional.ofNullable(System.getProperty(KeptLog.FOLDER))
          .flatMap(place -> open(place, System.getenv("BULWARK_POD_NAME"), System.err));
  private static final int ROOM_BYTES = 16 * 1024 * 1024;

  private LogOfProcess() {}

  private static Optional<KeptLog> open(String place, String pod, PrintStream told) {
    try {
      return Optional.of(place.contains("://") ? inStore(place, pod, told) : new KeptFiles(Path.of(place), pod, told));
    } catch (IOException | IllegalArgumentException refused) {
      told.println("The log is not kept beside the event log: " + refused);
      return Optional.empty();
    }
  }

  private static KeptLog inStore(String address, String pod, PrintStream told) {
    URI uri = URI.create(address);
    Outbox outbox = new Outbox("driver", ROOM_BYTES);
    Segments segments =
        new Segments(outbox, loader -> Store.open(uri, loader), new org.apache.hadoop.fs.Path(uri), pod, told);
    Runtime.getRuntime().addShutdownHook(new Thread(segments::finish, "bulwark-log-store-end"));
    return new KeptObjects(outbox, segments);
  }
}
