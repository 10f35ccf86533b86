# SPDX-License-Identifier: Apache-2.0
# Reads an Arrow stream of tensors with pyarrow, takes every value out of it, builds the columns anew and writes them.
import sys

import numpy
import pyarrow as pa


def rebuild_flat(array):
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        return pa.array(array.to_numpy(zero_copy_only=False), array.type)
    return pa.array(array.to_pylist(), array.type)


def rebuild(array):
    if not isinstance(array.type, pa.FixedShapeTensorType):
        return rebuild_flat(array)
    if array.type.value_type in (pa.bool_(), pa.utf8(), pa.binary()) or array.type.storage_type.list_size == 0:
        lists = pa.FixedSizeListArray.from_arrays(rebuild_flat(array.storage.flatten()), array.type.storage_type.list_size)
        return pa.ExtensionArray.from_storage(array.type, lists)
    tensor = array.to_numpy_ndarray()
    assert list(tensor.shape[1:]) == array.type.shape
    return pa.FixedShapeTensorArray.from_numpy_ndarray(numpy.ascontiguousarray(tensor))


with pa.ipc.open_stream(sys.stdin.buffer) as reader:
    schema, batch = reader.schema, reader.read_next_batch()
columns = [rebuild(column) for column in batch.columns]
fields = [pa.field(field.name, column.type, metadata=field.metadata) for field, column in zip(schema, columns)]
with pa.ipc.new_stream(sys.stdout.buffer, pa.schema(fields, metadata=schema.metadata)) as writer:
    writer.write_batch(pa.record_batch(columns, schema=pa.schema(fields)))
