// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import bulwark.launch.Secrets;
import bulwark.ui.UiGate;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.sparkproject.jetty.ee10.servlet.ServletContextHandler;
import scala.jdk.javaapi.CollectionConverters;

/** Everything that is looked at in a running application. A look that fails is a difference. */
final class Observers {
  private static final Path REQUIRED = Path.of("/etc/bulwark/conf/required.properties");
  private static final String EXECUTOR = "spark-executor";

  private final Pod pod;
  private final PodApi api;
  private final SparkContext context;
  private final String applicationId;
  private final boolean tls;

  Observers(Pod pod, PodApi api, SparkContext context, String applicationId) {
    this.pod = pod;
    this.api = api;
    this.context = context;
    this.applicationId = applicationId;
    this.tls = context.conf().getBoolean("spark.ssl.rpc.enabled", false);
  }

  /** All of it, before the first task. */
  List<Observation> look(List<SelfLook> looks) {
    List<Supplier<Observation>> all = new ArrayList<>();
    all.add(() -> see("settings of the application", this::settings));
    all.add(() -> see("spill and shuffle files", this::scratch));
    if (context.conf().getBoolean("spark.ui.enabled", true)) {
      all.add(() -> see("web UI and REST API", this::ui));
    }
    all.addAll(looksAt(looks));
    // Each waits for an answer of somebody else.
    return all.parallelStream().map(Supplier::get).toList();
  }

  /** What can be seen of one executor that came later. */
  List<Observation> lookAt(SelfLook late) {
    return looksAt(List.of(late)).parallelStream().map(Supplier::get).toList();
  }

  private List<Supplier<Observation>> looksAt(List<SelfLook> looks) {
    return List.of(
        () -> see("channels between driver and executors", this::channels),
        () -> see("pods of executors", this::pods),
        () -> leaks(looks),
        () -> files(looks),
        () -> tee(looks));
  }

  private static Observation see(String subject, Supplier<Observation> look) {
    try {
      return look.get();
    } catch (RuntimeException unseen) {
      return new Observation(subject, "", "could not be seen: " + unseen.getMessage(), false);
    }
  }

  private Observation settings() {
    Properties required = new Properties();
    try (InputStream in = Files.newInputStream(REQUIRED)) {
      required.load(in);
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    SparkConf conf = context.conf();
    List<String> wrong =
        required.stringPropertyNames().stream()
            .filter(name -> !required.getProperty(name).equals(conf.get(name, null)))
            .sorted()
            .toList();
    String seen =
        wrong.isEmpty()
            ? "all " + required.size() + " settings as planned (Spark's configuration)"
            : "not as planned: " + String.join(", ", wrong);
    return new Observation("settings of the application", "profile and scratch encryption", seen, wrong.isEmpty());
  }

  private Observation scratch() {
    String on = context.conf().get("spark.io.encryption.enabled", "(absent)");
    String bits = context.conf().get("spark.io.encryption.keySizeBits", "?");
    boolean keyed = context.env().securityManager().getIOEncryptionKey().isDefined();
    return new Observation(
        "spill and shuffle files",
        "AES-CTR " + bits + " bits, a key of this application",
        "spark.io.encryption.enabled=" + on + "; a key " + (keyed ? "is in use" : "is absent"),
        on.equals("true") && keyed);
  }

  /** One page is called by someone without the token; that no page and no part of the REST API does without, the server says. */
  private Observation ui() {
    Probe.Answer answer = probe(() -> Probe.ui(pod.address(), context.conf().getInt("spark.ssl.ui.port", 0)));
    var parts = CollectionConverters.asJava(context.ui().get().getHandlers());
    List<String> open =
        parts.stream().filter(part -> !isGated(part)).map(ServletContextHandler::getContextPath).toList();
    String seen = open.isEmpty() ? parts.size() + " parts ask for it" : "open: " + String.join(", ", open);
    return new Observation(
        "web UI and REST API", "TLS 1.3, token", answer.seen() + "; " + seen, answer.refused() && open.isEmpty());
  }

  private static boolean isGated(ServletContextHandler part) {
    return Stream.of(part.getServletHandler().getFilters())
        .anyMatch(filter -> UiGate.class.getName().equals(filter.getClassName()));
  }

  /** Every Spark port, of driver and executors, called by someone without the secret. */
  private Observation channels() {
    Stream<String> blocks = CollectionConverters.asJava(context.getExecutorMemoryStatus()).keySet().stream();
    List<String> ports =
        Stream.concat(Stream.of(pod.address() + ":" + context.conf().get("spark.driver.port")), blocks)
            .distinct()
            .toList();
    List<Map.Entry<String, Probe.Answer>> answers =
        ports.parallelStream().map(port -> Map.entry(port, probe(() -> call(port)))).toList();
    return answers.stream()
        .filter(answer -> !answer.getValue().refused())
        .findFirst()
        .map(bad -> channelsSeen(bad.getKey() + ": " + bad.getValue().seen(), false))
        .orElseGet(
            () ->
                channelsSeen(
                    ports.size() + " ports refused a caller without the secret (" + answers.get(0).getValue().seen() + ")",
                    true));
  }

  private Observation channelsSeen(String observed, boolean asPlanned) {
    String protection = tls ? "TLS 1.3, AES-GCM, shared secret" : "AES-128-GCM, shared secret";
    return new Observation("channels between driver and executors", protection, observed, asPlanned);
  }

  private Probe.Answer call(String port) throws IOException {
    int colon = port.lastIndexOf(':');
    String host = port.substring(0, colon).replaceAll("[\\[\\]]", "");
    int number = Integer.parseInt(port.substring(colon + 1));
    return tls ? Probe.tls(host, number) : Probe.plain(host, number);
  }

  private interface Call {
    Probe.Answer make() throws IOException;
  }

  private static Probe.Answer probe(Call call) {
    try {
      return call.make();
    } catch (IOException unreachable) {
      return new Probe.Answer(false, "could not be called: " + unreachable.getMessage());
    }
  }

  /** Executors as the API server has them: one owner, no token, no secret in what everybody sees who lists pods. */
  private Observation pods() {
    List<String> wrong = new ArrayList<>();
    int count = 0;
    for (var executor : api.executors(applicationId)) {
      count++;
      var owners = executor.getMetadata().getOwnerReferences();
      String name = executor.getMetadata().getName();
      if (owners.size() != 1 || !pod.is(owners.get(0))) {
        wrong.add(name + " has " + owners.size() + " owners, or another than the driver");
      }
      if (!Boolean.FALSE.equals(executor.getSpec().getAutomountServiceAccountToken())) {
        wrong.add(name + " has a token of the API server");
      }
      executor.getSpec().getContainers().stream()
          .filter(container -> container.getName().equals(EXECUTOR))
          .flatMap(container -> container.getEnv().stream())
          .filter(variable -> variable.getValue() != null && Secrets.appearIn(variable.getValue()))
          .forEach(variable -> wrong.add(name + " has a secret in " + variable.getName()));
    }
    return new Observation(
        "pods of executors",
        "owned by the driver alone, no token, no secret in what is listed",
        wrong.isEmpty() ? count + " pods looked at" : String.join("; ", wrong),
        wrong.isEmpty() && count > 0);
  }

  private Observation leaks(List<SelfLook> looks) {
    String leak = firstOf(looks, SelfLook::leak);
    return new Observation(
        "command lines and environments",
        "no secret in either",
        leak == null ? looks.size() + " processes looked at" : "secret in " + leak,
        leak == null);
  }

  private Observation files(List<SelfLook> looks) {
    String loose = firstOf(looks, SelfLook::loose);
    int count = looks.stream().mapToInt(SelfLook::files).sum();
    boolean all = looks.stream().allMatch(look -> look.files() > 0);
    return new Observation(
        "files with secrets",
        "in memory, readable by the job's user alone",
        loose == null ? count + " files" : "can be read by others: " + loose,
        loose == null && all);
  }

  private Observation tee(List<SelfLook> looks) {
    String planned = pod.tee();
    boolean simulated = planned.equals("none") || planned.equals("simulation");
    List<String> others = looks.stream().filter(look -> !look.tee().equals(planned)).map(look -> look.who() + " " + look.tee()).toList();
    String seen =
        simulated
            ? (planned.equals("none") ? "none demanded" : "SIMULATED: nothing is protected from the owner of the machine")
            : others.isEmpty() ? looks.size() + " processes in " + planned : String.join(", ", others);
    return new Observation("trusted execution environment", planned, seen, simulated || others.isEmpty());
  }

  private static String firstOf(List<SelfLook> looks, Function<SelfLook, String> part) {
    return looks.stream()
        .filter(look -> part.apply(look) != null)
        .map(look -> look.who() + ": " + part.apply(look))
        .findFirst()
        .orElse(null);
  }
}
