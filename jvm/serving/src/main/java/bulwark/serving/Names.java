// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.List;

/** Every key of one job; the same names as in packages/queue. */
record Names(String job) {
  /** The consumer group of every engine. */
  static final String GROUP = "serving";

  /** By priority, most urgent first. */
  List<String> streams() {
    return List.of(job + ":high", job, job + ":low");
  }

  String bytes() {
    return job + ":bytes";
  }

  String dead() {
    return job + ":dead";
  }

  String dropped() {
    return job + ":dropped";
  }

  String lost() {
    return job + ":lost";
  }

  String left() {
    return job + ":left";
  }

  String engines() {
    return job + ":engines";
  }

  String serves(String engine) {
    return job + ":serves:" + engine;
  }

  String orders() {
    return job + ":orders";
  }

  String result(String uri) {
    return "cluster-serving_" + job + ":" + uri;
  }

  String reply(String instance) {
    return job + ":reply:" + instance;
  }
}
