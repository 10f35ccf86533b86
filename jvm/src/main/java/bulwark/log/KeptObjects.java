// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

/** A kept log in a store: whoever prints only puts its lines down; {@link Segments} writes them. */
final class KeptObjects implements KeptLog {
  private final Outbox outbox;
  private final Segments segments;

  KeptObjects(Outbox outbox, Segments segments) {
    this.outbox = outbox;
    this.segments = segments;
  }

  @Override
  public void begin(ClassLoader ofSpark) {
    segments.begin(ofSpark);
  }

  @Override
  public void keepDriver(byte[] line) {
    outbox.put(line);
  }

  /** What there is no room for is counted as left out, so the executor need not send it again. */
  @Override
  public boolean keepExecutor(String id, byte[] lines) {
    outbox.put(lines);
    return true;
  }
}
