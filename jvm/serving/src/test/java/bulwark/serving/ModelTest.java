// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ModelTest {
  private final RunLimit limit = new RunLimit();

  @AfterEach
  void close() {
    limit.close();
  }

  private Model load(String name, ModelSettings settings) throws Refusal {
    byte[] onnx = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get(name));
    return new Model(name, "1", (ort, options) -> ort.createSession(onnx, options), settings, limit);
  }

  private static Tensor floats(String name, long[] shape, float... values) {
    ByteBuffer data = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) data.putFloat(value);
    return Tensor.ofNumbers(name, Datatype.FP32, shape, data.flip());
  }

  private static Tensor whole(long value, long... shape) {
    ByteBuffer data = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).flip();
    return Tensor.ofNumbers("trips", Datatype.INT64, shape, data);
  }

  @Test
  void givesBackEveryDatatypeBitByBit() throws Exception {
    for (var record : Golden.list("tensors")) {
      Tensor given = Golden.tensors(record.getAsJsonArray("inputs")).get(0);
      boolean isText = given.datatype() == Datatype.BYTES;
      if (given.shape().length != 2 || given.datatype().inputType() == null || isText) continue;
      try (Model model = load("same-" + given.datatype(), new ModelSettings())) {
        Tensor named = new Tensor("x", given.datatype(), given.shape(), given.data(), given.strings());
        List<Tensor> outputs = model.run(List.of(named));
        assertEquals(List.of("y", "z"), outputs.stream().map(Tensor::name).toList());
        Same.tensor(new Tensor("y", given.datatype(), given.shape(), given.data(), given.strings()), outputs.get(0));
      }
    }
  }

  @Test
  void givesBackStringsAndScalars() throws Exception {
    byte[][] strings = {"größe".getBytes("UTF-8"), {}, "a|b".getBytes("UTF-8")};
    try (Model model = load("same-BYTES", new ModelSettings())) {
      Tensor given = Tensor.ofStrings("x", new long[] {1, 3}, strings);
      Same.tensor(Tensor.ofStrings("y", new long[] {1, 3}, strings), model.run(List.of(given)).get(0));
    }
    try (Model model = load("scalar", new ModelSettings())) {
      Same.tensor(floats("y", new long[0], 7), model.run(List.of(floats("x", new long[0], 7))).get(0));
    }
  }

  @Test
  void refusesModelsThatItCannotFeed() {
    for (String datatype : List.of("UINT16", "UINT32", "UINT64")) {
      Same.refuses("MODEL_FORMAT", () -> load("same-" + datatype, new ModelSettings()));
    }
    ModelSettings settings = new ModelSettings();
    Same.refuses(
        "MODEL_LOAD_FAILED",
        () -> new Model("m", "1", (ort, options) -> ort.createSession(new byte[] {1, 2}, options), settings, limit));
  }

  @Test
  void sharesARunAmongRowsOnlyWhereEachIsComputedFromItself() throws Exception {
    try (Model mlp = load("mlp", new ModelSettings()); Model centered = load("centered", new ModelSettings())) {
      assertTrue(mlp.isBatched());
      assertFalse(centered.isBatched());
    }
  }

  @Test
  void givesEachCallerTheRowsThatItGaveAlone() throws Exception {
    try (Model mlp = load("mlp", new ModelSettings())) {
      List<List<Tensor>> requests = new ArrayList<>();
      int[] rows = {1, 3, 2, 1};
      for (int count : rows) {
        float[] values = new float[4 * count];
        for (int at = 0; at < values.length; at++) values[at] = requests.size() + at / 10f;
        requests.add(List.of(floats("x", new long[] {count, 4}, values)));
      }
      List<List<Tensor>> together = Rows.split(mlp.run(Rows.join(requests)), rows);
      for (int at = 0; at < rows.length; at++) {
        double[] alone = Numbers.toDoubles(mlp.run(requests.get(at)).get(0));
        double[] own = Numbers.toDoubles(together.get(at).get(0));
        assertEquals(alone.length, own.length);
        for (int place = 0; place < own.length; place++) assertEquals(alone[place], own[place], 1e-5);
      }
    }
  }

  @Test
  void saysWhenTheModelFailsAndEndsRunsThatLast() throws Exception {
    try (Model lookup = load("lookup", new ModelSettings())) {
      ByteBuffer index = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(99).flip();
      Tensor bad = Tensor.ofNumbers("x", Datatype.INT64, new long[] {1}, index);
      Same.refuses("MODEL_FAILED", () -> lookup.run(List.of(bad)));
    }
    ModelSettings settings = new ModelSettings();
    settings.runLimitMs = 200;
    try (Model slow = load("slow", settings)) {
      List<Tensor> endless = List.of(floats("x", new long[] {1}, 1), whole(1L << 50));
      assertTimeout(Duration.ofSeconds(8), () -> Same.refuses("MODEL_FAILED", () -> slow.run(endless)));
      assertEquals(1, slow.run(List.of(floats("x", new long[] {1}, 0), whole(3))).size());
    }
  }

  @Test
  void refusesInputsThatDoNotFit() throws Exception {
    try (Model mlp = load("mlp", new ModelSettings())) {
      Tensor good = floats("x", new long[] {1, 4}, 1, 2, 3, 4);
      assertEquals(1, Checked.check(List.of(good), mlp).rows());
      Same.refuses("TENSOR_MISSING", () -> Checked.check(List.of(), mlp));
      Same.refuses("TENSOR_UNKNOWN", () -> Checked.check(List.of(good, floats("y", new long[] {1}, 1)), mlp));
      Same.refuses("TENSOR_SHAPE", () -> Checked.check(List.of(floats("x", new long[] {1, 3}, 1, 2, 3)), mlp));
      Same.refuses("TENSOR_DATATYPE", () -> Checked.check(List.of(renamed(whole(1, 1, 1))), mlp));
      for (float value : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
        Same.refuses("TENSOR_VALUE", () -> Checked.check(List.of(floats("x", new long[] {1, 4}, 1, 2, value, 4)), mlp));
      }
      Same.refuses("TENSOR_UNKNOWN", () -> Checked.checkOutputs(List.of("nothing"), mlp));
    }
  }

  private static Tensor renamed(Tensor tensor) {
    return new Tensor("x", tensor.datatype(), tensor.shape(), tensor.data(), tensor.strings());
  }
}
