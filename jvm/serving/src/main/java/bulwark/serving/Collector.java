// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.Gson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a collector of OpenTelemetry of spans, by OTLP over HTTP in JSON, in a thread of its own. One that is slow or
 * not there costs the spans and nothing else.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/otlp/#otlphttp">OTLP/HTTP</a>
 */
final class Collector implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Collector.class);
  /** As the embedded engine is called: whoever looks at a trace asks for the step, not for what it runs on. */
  private static final String SERVICE = "bulwark-inference-engine";
  private static final int MOST_WAITING = 2_048;
  private static final int MOST_AT_ONCE = 512;
  private static final long SEND_MS = 1_000;
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final int FIRST_REFUSAL = 300;
  /** SPAN_KIND_CONSUMER and STATUS_CODE_ERROR. */
  private static final int CONSUMER = 5;
  private static final int ERROR = 2;

  private final URI url;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(LIMIT).build();
  private final BlockingQueue<Span> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
  private final Thread thread = new Thread(this::run, "bulwark-traces");
  private volatile boolean isOpen = true;
  /** So that it is said once. */
  private boolean isAway;

  private Collector(URI url) {
    this.url = url;
    thread.setDaemon(true);
    thread.start();
  }

  /** @param endpoint as `OTEL_EXPORTER_OTLP_ENDPOINT` has it; null: nothing is told, and null given */
  static Collector open(String endpoint) {
    return endpoint == null ? null : new Collector(URI.create(endpoint.replaceFirst("/$", "") + "/v1/traces"));
  }

  /** Takes it or, when too many wait, drops it. */
  void tell(Span span) {
    if (span != null) waiting.offer(span);
  }

  /** What was told is still sent, as long as the process lives. */
  @Override
  public void close() {
    isOpen = false;
    thread.interrupt();
  }

  private void run() {
    while (isOpen) {
      try {
        Thread.sleep(SEND_MS);
        sendAll();
      } catch (InterruptedException end) {
        break;
      }
    }
    try {
      sendAll();
    } catch (InterruptedException hurry) {
      LOG.debug("spans were not sent");
    }
  }

  private void sendAll() throws InterruptedException {
    List<Span> spans = new ArrayList<>();
    while (waiting.drainTo(spans, MOST_AT_ONCE) > 0) {
      send(spans);
      spans.clear();
    }
  }

  private void send(List<Span> spans) throws InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(url)
            .timeout(LIMIT)
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(write(spans)))
            .build();
    String trouble = null;
    try {
      int status = client.send(request, BodyHandlers.discarding()).statusCode();
      if (status >= FIRST_REFUSAL) trouble = "status " + status;
    } catch (IOException away) {
      trouble = away.toString();
    }
    if (trouble != null && !isAway) LOG.warn("spans are dropped: {}", trouble);
    isAway = trouble != null;
  }

  /** The body of a request, as OTLP has it. */
  static String write(List<Span> spans) {
    Object resource = Map.of("attributes", List.of(attribute("service.name", "stringValue", SERVICE)));
    List<Object> written = spans.stream().map(Collector::write).toList();
    Object scope = Map.of("scope", Map.of("name", "bulwark"), "spans", written);
    Object whole = Map.of("resourceSpans", List.of(Map.of("resource", resource, "scopeSpans", List.of(scope))));
    return new Gson().toJson(whole);
  }

  private static Object write(Span span) {
    Object model = attribute("bulwark.model", "stringValue", span.model());
    // Numbers of 64 bits are texts in JSON.
    Object deliveries = attribute("bulwark.deliveries", "intValue", Long.toString(span.deliveries()));
    boolean hasFailed = !span.failure().isEmpty();
    return Map.of(
        "traceId", span.trace(),
        "spanId", span.id(),
        "parentSpanId", span.parent(),
        "name", "compute",
        "kind", CONSUMER,
        "startTimeUnixNano", Long.toString(span.beginNs()),
        "endTimeUnixNano", Long.toString(span.endNs()),
        "attributes", List.of(model, deliveries),
        "status", hasFailed ? Map.of("code", ERROR, "message", span.failure()) : Map.of());
  }

  private static Object attribute(String key, String type, String value) {
    return Map.of("key", key, "value", Map.of(type, value));
  }
}
