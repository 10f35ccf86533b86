# SPDX-License-Identifier: Apache-2.0
"""mosec as its documents advise: one worker, dynamic batching; raw floats in and out, or its default, JSON."""
import json
import os

import numpy
import onnxruntime
from mosec import Server, Worker

# By the environment: mosec starts its workers with a command line of its own.
MODEL, INPUT = os.environ["BENCH_MODEL"], os.environ["BENCH_INPUT"]
SHAPE = [int(size) for size in os.environ["BENCH_SHAPE"].split(",")]
MAX_BATCH = int(os.environ["BENCH_MAX_BATCH"])
IS_JSON = "BENCH_JSON" in os.environ


class Model(Worker):
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    def deserialize(self, data):
        if IS_JSON:
            return numpy.array(json.loads(data), dtype=numpy.float32).reshape(SHAPE)
        return numpy.frombuffer(data, dtype=numpy.float32).reshape(SHAPE)

    def serialize(self, data):
        return json.dumps(data.tolist()).encode() if IS_JSON else data.tobytes()

    def forward(self, data):
        if MAX_BATCH == 1:
            return self.session.run(None, {INPUT: data})[0]
        rows = self.session.run(None, {INPUT: numpy.concatenate(data)})[0]
        return [rows[at : at + 1] for at in range(len(data))]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Model, num=1, max_batch_size=MAX_BATCH, max_wait_time=2)
    server.run()
