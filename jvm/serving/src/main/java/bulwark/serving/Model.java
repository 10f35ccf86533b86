// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtUtil;
import ai.onnxruntime.TensorInfo.OnnxTensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One version of a model, loaded on the CPU. `run` takes as long as the model computes. */
final class Model implements AutoCloseable {
  /** Its messages quote values of requests: only what must be said. */
  private static final OrtEnvironment ORT = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);

  private final String name;
  private final String version;
  private final ModelSettings settings;
  private final RunLimit limit;
  private final OrtSession session;
  private final List<TensorInfo> inputs;
  private final List<TensorInfo> outputs;
  private final boolean isBatched;
  /** Memory that ONNX Runtime reads inputs from, by their names; used again and again, as runs follow each other. */
  private final Map<String, ByteBuffer> memory = new HashMap<>();

  /** Makes a session of a model's file, or of what was decrypted in memory. */
  interface Source {
    OrtSession open(OrtEnvironment ort, SessionOptions options) throws OrtException, Refusal;
  }

  /** Throws MODEL_LOAD_FAILED, MODEL_FORMAT, and what the source throws. */
  Model(String name, String version, Source source, ModelSettings settings, RunLimit limit) throws Refusal {
    this.name = name;
    this.version = version;
    this.settings = settings;
    this.limit = limit;
    try (SessionOptions options = new SessionOptions()) {
      options.setIntraOpNumThreads(settings.threads);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      // A thread that spins for work takes the processor from those that have some.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      session = source.open(ORT, options);
    } catch (OrtException cause) {
      String message = "The model " + Refusal.quote(name) + " cannot be loaded: " + cause.getMessage();
      throw new Refusal("MODEL_LOAD_FAILED", message, "check it with onnx.checker", cause);
    }
    try {
      inputs = describe(session.getInputInfo().values());
      outputs = describe(session.getOutputInfo().values());
      for (TensorInfo info : inputs) if (info.datatype().inputType() == null) throw cannotMake(info);
      isBatched = settings.batch.maxRows > 1 && Rowwise.isRowwise(this);
    } catch (OrtException | Refusal failure) {
      close();
      throw Refusal.of(failure);
    }
  }

  String name() {
    return name;
  }

  String version() {
    return version;
  }

  ModelSettings settings() {
    return settings;
  }

  List<TensorInfo> inputs() {
    return inputs;
  }

  List<TensorInfo> outputs() {
    return outputs;
  }

  /** Whether rows of several requests may share a run. */
  boolean isBatched() {
    return isBatched;
  }

  /** Runs the model once, on inputs that fit. Throws MODEL_FAILED when it threw or took too long. */
  List<Tensor> run(List<Tensor> given) throws Refusal {
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    boolean isLate = false;
    try (RunLimit.Run run = limit.start(settings.runLimitMs)) {
      for (Tensor tensor : given) feeds.put(tensor.name(), toOrt(tensor));
      try (OrtSession.Result result = session.run(feeds, run.options())) {
        List<Tensor> results = new ArrayList<>();
        for (Map.Entry<String, OnnxValue> entry : result) results.add(fromOrt(entry.getKey(), entry.getValue()));
        return results;
      } finally {
        isLate = run.isLate();
      }
    } catch (OrtException cause) {
      if (isLate) {
        String message = "The model did not finish within " + settings.runLimitMs + " ms";
        throw new Refusal("MODEL_FAILED", message, "send less at once, or raise runLimitMs", cause);
      }
      String mend = "look at the inputs; the same request fails again";
      throw new Refusal("MODEL_FAILED", "The model failed: " + cause.getMessage(), mend, cause);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException ignored) {
      // It is gone either way.
    }
  }

  private OnnxTensor toOrt(Tensor tensor) throws OrtException {
    if (tensor.strings() != null) {
      String[] texts = new String[tensor.strings().length];
      for (int at = 0; at < texts.length; at++) texts[at] = new String(tensor.strings()[at], StandardCharsets.UTF_8);
      return OnnxTensor.createTensor(ORT, texts, tensor.shape());
    }
    int bytes = tensor.data().remaining();
    ByteBuffer own = memory.get(tensor.name());
    if (own == null || own.capacity() < bytes) {
      own = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
      memory.put(tensor.name(), own);
    }
    own.clear().put(tensor.data().duplicate()).flip();
    return OnnxTensor.createTensor(ORT, own, tensor.shape(), tensor.datatype().inputType());
  }

  private static Tensor fromOrt(String name, OnnxValue value) throws OrtException {
    OnnxTensor tensor = (OnnxTensor) value;
    long[] shape = tensor.getInfo().getShape();
    Datatype datatype = Datatype.of(tensor.getInfo().onnxType);
    if (datatype != Datatype.BYTES) return Tensor.ofNumbers(name, datatype, shape, tensor.getByteBuffer());
    Object texts = tensor.getValue();
    String[] flat = texts instanceof String one ? new String[] {one} : OrtUtil.flattenString(texts);
    byte[][] strings = new byte[flat.length][];
    for (int at = 0; at < flat.length; at++) strings[at] = flat[at].getBytes(StandardCharsets.UTF_8);
    return Tensor.ofStrings(name, shape, strings);
  }

  private static List<TensorInfo> describe(Collection<NodeInfo> nodes) throws Refusal {
    List<TensorInfo> infos = new ArrayList<>();
    for (NodeInfo node : nodes) {
      if (!(node.getInfo() instanceof ai.onnxruntime.TensorInfo info)) {
        String message = Refusal.quote(node.getName()) + " of the model is a sequence or a map, not a tensor";
        String mend = "export the model without them; for scikit-learn: options={'zipmap': False}";
        throw new Refusal("MODEL_FORMAT", message, mend);
      }
      Datatype datatype = Datatype.of(info.onnxType);
      if (datatype == null) throw noProtocolCarries(node.getName(), info.onnxType);
      long[] shape = Arrays.stream(info.getShape()).map(size -> size < 0 ? -1 : size).toArray();
      infos.add(new TensorInfo(node.getName(), datatype, shape));
    }
    return infos;
  }

  private static Refusal noProtocolCarries(String name, OnnxTensorType type) {
    String message = Refusal.quote(name) + " of the model is of type " + type + ", which no serving protocol carries";
    String mend = "convert the model so that its inputs and outputs are tensors of numbers or strings";
    return new Refusal("MODEL_FORMAT", message, mend);
  }

  private static Refusal cannotMake(TensorInfo info) {
    String type = info.datatype() + ", which this engine cannot make";
    String message = "The input " + Refusal.quote(info.name()) + " is " + type;
    return new Refusal("MODEL_FORMAT", message, "serve it with the embedded engine, or convert that input");
  }
}
