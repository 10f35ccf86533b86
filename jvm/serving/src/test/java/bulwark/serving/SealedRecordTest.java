// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SealedRecordTest {
  private static final Set<String> NOT_OPENED = Set.of("RECORD_MALFORMED", "RECORD_TAMPERED", "RECORD_KEY_UNKNOWN");
  private final Keyring keyring = Golden.keyring();

  SealedRecordTest() throws Exception {}

  private Envelope open(JsonObject record, byte[] sealed) throws Refusal {
    JsonObject place = record.getAsJsonObject("place");
    String stream = place.get("stream").getAsString();
    return Envelope.open(keyring, sealed, stream, place.get("uri").getAsString(), place.get("model").getAsString());
  }

  @Test
  void opensWhatTheGatewaySealed() throws Exception {
    List<JsonObject> records = Golden.list("tensors");
    assertTrue(records.size() >= 13 * 7);
    for (JsonObject record : records) {
      byte[] sealed = Golden.bytes(record.get("sealed"));
      byte[] content = open(record, sealed).request(sealed);
      assertArrayEquals(Golden.bytes(record.get("content")), content);
      RecordReader.Request request = RecordReader.read(content);
      Same.tensors(Golden.tensors(record.getAsJsonArray("inputs")), request.inputs());
    }
  }

  @Test
  void writesResultsByteByByteAsTheEmbeddedEngine() {
    for (JsonObject record : Golden.list("tensors")) {
      List<Tensor> outputs = Golden.tensors(record.getAsJsonArray("inputs"));
      assertArrayEquals(Golden.bytes(record.get("result")), RecordWriter.tensors("m", "7", outputs));
    }
    JsonObject results = Golden.ALL.getAsJsonObject("results");
    byte[] failure = RecordWriter.failure(new Refusal("MODEL_FAILED", "größer", "none"));
    assertArrayEquals(Golden.bytes(results.get("failure")), failure);
    assertArrayEquals(Golden.bytes(results.get("older")), RecordWriter.older("NaN".getBytes()));
  }

  @Test
  void readsRecordsOfOlderClientsWithinSealedOnes() throws Exception {
    JsonArray older = Golden.ALL.getAsJsonArray("older");
    for (int at = 0; at < older.size(); at++) {
      JsonObject record = older.get(at).getAsJsonObject();
      byte[] sealed = Golden.bytes(record.get("sealed"));
      RecordReader.Request request = RecordReader.read(open(record, sealed).request(sealed));
      assertTrue(request.isOlder());
      assertEquals(at == 0 ? null : "stream", request.serde());
    }
  }

  @Test
  void opensNothingThatWasChanged() {
    JsonObject record = Golden.list("tensors").get(2);
    byte[] sealed = Golden.bytes(record.get("sealed"));
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] changed = sealed.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      Refusal refusal = assertThrows(Refusal.class, () -> open(record, changed).request(changed), "bit " + bit);
      assertTrue(NOT_OPENED.contains(refusal.code()), refusal.code());
    }
    for (int length = 0; length < sealed.length; length++) {
      byte[] cut = Arrays.copyOf(sealed, length);
      Refusal refusal = assertThrows(Refusal.class, () -> open(record, cut).request(cut));
      assertTrue(NOT_OPENED.contains(refusal.code()), refusal.code());
    }
  }

  @Test
  void opensNothingThatBelongsElsewhere() throws Exception {
    byte[] sealed = Golden.bytes(Golden.list("tensors").get(2).get("sealed"));
    JsonObject place = Golden.list("tensors").get(2).getAsJsonObject("place");
    String uri = place.get("uri").getAsString();
    String model = place.get("model").getAsString();
    Same.refuses("RECORD_TAMPERED", () -> Envelope.open(keyring, sealed, "serving_stream", uri + "x", model));
    Same.refuses("RECORD_TAMPERED", () -> Envelope.open(keyring, sealed, "serving_stream", uri, "other"));
    Same.refuses("RECORD_TAMPERED", () -> Envelope.open(keyring, sealed, "other", uri, model));
    Same.refuses("RECORD_KEY_UNKNOWN", () -> Envelope.open(keyring.only("x"), sealed, "serving_stream", uri, model));
    // A result is no request, though both are of the same place and key.
    Envelope envelope = Envelope.open(keyring, sealed, "serving_stream", uri, model);
    byte[] result = envelope.result(new byte[100]);
    Same.refuses("RECORD_TAMPERED", () -> envelope.request(result));
  }

  @Test
  void readsNoContentThatIsNotWhole() {
    for (JsonObject record : Golden.list("tensors")) {
      byte[] content = Golden.bytes(record.get("content"));
      for (int length = 0; length < content.length; length++) {
        byte[] cut = Arrays.copyOf(content, length);
        Same.refuses("RECORD_MALFORMED", () -> RecordReader.read(cut));
      }
      byte[] longer = Arrays.copyOf(content, content.length + 1);
      Same.refuses("RECORD_MALFORMED", () -> RecordReader.read(longer));
    }
  }
}
