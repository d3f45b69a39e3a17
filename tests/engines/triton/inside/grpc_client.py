"""Run by a Python that has tritonclient: streams an answer, then leaves another one early."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient


def inputs(most: int) -> list[InferInput]:
    values = {
        "text_input": ("BYTES", np.array([b"def read("], dtype=np.object_)),
        "max_tokens": ("INT32", np.array([most], dtype=np.int32)),
        "temperature": ("FP32", np.array([0], dtype=np.float32)),
        "stream": ("BOOL", np.array([True])),
        "ignore_eos": ("BOOL", np.array([True])),
    }
    made = []
    for name, (kind, value) in values.items():
        tensor = InferInput(name, [1], kind)
        tensor.set_data_from_numpy(value)
        made.append(tensor)
    return made


async def main(address: str, model: str) -> None:
    client = InferenceServerClient(address)

    async def requests(most: int) -> AsyncIterator[dict[str, Any]]:
        # A parameter of gRPC is a text, a whole number or a bool.
        yield {"model_name": model, "inputs": inputs(most), "parameters": {"num_draft_tokens": "2"}}

    text = ""
    async for result, error in client.stream_infer(requests(32)):
        assert error is None, error
        text += result.as_numpy("text_output")[0].decode()
        if result.as_numpy("finish_reason") is not None:
            break
    pieces = client.stream_infer(requests(480))
    _, error = await anext(pieces)
    assert error is None, error
    pieces.cancel()
    await client.close()
    print(text)


asyncio.run(main(*sys.argv[1:]))
