// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.ArrayList;
import java.util.List;

/** Requests for one version of a model that share its next run: of one key, and of no more rows than fit. */
final class Batch {
  private final Model model;
  private final RunCounts counts;
  private final List<Task> tasks = new ArrayList<>();
  private int rows;
  private long firstAt;

  Batch(Model model, RunCounts counts) {
    this.model = model;
    this.counts = counts;
  }

  /** Whether a request can run with those that are there. */
  boolean takes(Task task) {
    if (tasks.isEmpty()) return true;
    boolean isAlike = tasks.get(0).checked().key().equals(task.checked().key());
    return model.isBatched() && isAlike && rows + task.checked().rows() <= model.settings().batch.maxRows;
  }

  void add(Task task, long now) {
    if (tasks.isEmpty()) firstAt = now;
    tasks.add(task);
    // Requests without rows are counted too, so that a run cannot gather them without end.
    rows += Math.max(1, task.checked().rows());
  }

  boolean isEmpty() {
    return tasks.isEmpty();
  }

  boolean isFull() {
    return rows >= (model.isBatched() ? model.settings().batch.maxRows : 1);
  }

  /** When it runs, full or not. */
  long dueAt() {
    return firstAt + (long) Math.ceil(model.isBatched() ? model.settings().batch.windowMs : 0);
  }

  /** Computes what was gathered. A request that fails does not fail the others: each is then tried alone. */
  List<Outcome> run(Computer computer) {
    List<Task> taken = List.copyOf(tasks);
    tasks.clear();
    rows = 0;
    try {
      return compute(taken, computer);
    } catch (Refusal shared) {
      if (taken.size() == 1) return List.of(computer.refuse(taken.get(0).ticket(), shared));
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (Task task : taken) {
      try {
        outcomes.addAll(compute(List.of(task), computer));
      } catch (Refusal own) {
        outcomes.add(computer.refuse(task.ticket(), own));
      }
    }
    return outcomes;
  }

  private List<Outcome> compute(List<Task> taken, Computer computer) throws Refusal {
    long beginNs = Span.nowNs();
    long startedAt = System.nanoTime();
    List<Tensor> results = runModel(Rows.join(taken.stream().map(task -> task.checked().inputs()).toList()));
    long computeUs = (System.nanoTime() - startedAt) / 1_000;
    int[] rows = taken.stream().mapToInt(task -> task.checked().rows()).toArray();
    List<List<Tensor>> parts = model.isBatched() ? Rows.split(results, rows) : List.of(results);
    if (parts == null) {
      String message = "The model gave fewer rows than it got";
      throw new Refusal("MODEL_FAILED", message, "set batch.maxRows: 1 for it");
    }
    counts.add(taken, beginNs, computeUs);
    List<Outcome> outcomes = new ArrayList<>();
    for (int at = 0; at < taken.size(); at++) {
      // As packages/queue reads it (redis/delivery.ts).
      String run = computeUs + " " + rows[at] + " " + taken.size();
      outcomes.add(answer(taken.get(at), parts.get(at), run, computer));
    }
    return outcomes;
  }

  /** An error of ours, or inputs that are too large for the memory outside of the heap, are these requests' alone. */
  private List<Tensor> runModel(List<Tensor> inputs) throws Refusal {
    try {
      return model.run(inputs);
    } catch (RuntimeException | OutOfMemoryError bug) {
      throw Refusal.of(bug);
    }
  }

  /** A result that its form cannot carry is that request's trouble alone. */
  private static Outcome answer(Task task, List<Tensor> results, String run, Computer computer) {
    try {
      return computer.answer(task, results, run);
    } catch (Refusal own) {
      return computer.refuse(task.ticket(), own);
    }
  }
}
