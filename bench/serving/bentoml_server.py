# SPDX-License-Identifier: Apache-2.0
"""BentoML in one process, with its adaptive batching where the model takes batches: JSON of its own."""
import sys

import bentoml
import numpy
import onnxruntime
import uvicorn

MODEL, PORT, INPUT, MAX_BATCH = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[5])


@bentoml.service(traffic={"timeout": 10, "max_concurrency": 1024})
class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    @bentoml.api(batchable=MAX_BATCH > 1, max_batch_size=max(MAX_BATCH, 2), max_latency_ms=50)
    def infer(self, data: numpy.ndarray) -> numpy.ndarray:
        return self.session.run(None, {INPUT: data.astype(numpy.float32)})[0]


uvicorn.run(Model.to_asgi(), host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", log_level="error", access_log=False)
