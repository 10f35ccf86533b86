# SPDX-License-Identifier: Apache-2.0
"""LitServe with one API process, one worker and its fast queue, as its documents advise for many small requests."""
import sys

import litserve
import numpy
import onnxruntime

MODEL, PORT, INPUT, SHAPE, MAX_BATCH = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])


class Model(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
        self.shape = [int(size) for size in SHAPE.split(",")]

    def decode_request(self, request):
        return numpy.asarray(request["data"], dtype=numpy.float32).reshape(self.shape)

    def batch(self, inputs):
        return numpy.concatenate(inputs)

    def predict(self, x):
        return self.session.run(None, {INPUT: x})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"data": output.ravel().tolist()}


if __name__ == "__main__":
    api = Model(max_batch_size=MAX_BATCH, batch_timeout=0.002 if MAX_BATCH > 1 else 0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True, timeout=10)
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False, log_level="error")
